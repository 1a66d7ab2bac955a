import test from 'ava';
import { Redaction } from '../../workers/delivery/redaction.js';

const SECRET = 'p&ss "wörd"/+';

function redaction(...secrets: string[]): Redaction {
  const made = new Redaction();
  secrets.forEach((value, at) => {
    made.add(`S${at}`, value);
  });
  return made;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const FORMS: [title: string, text: string][] = [
  ['in plain text', `token=${SECRET};`],
  ['in JSON', JSON.stringify({ token: SECRET })],
  ['in a URL', `https://x/?t=${encodeURIComponent(SECRET)}&u=1`],
  ['in a form', new URLSearchParams({ t: SECRET }).toString().replaceAll('%21', '!')],
  ['in hex', Buffer.from(SECRET).toString('hex')],
  ...['', 'u', 'us', 'user:'].map((before): [string, string] => [
    `in base64 after "${before}"`,
    base64(`${before}${SECRET}, and more`),
  ]),
  ['in base64url', Buffer.from(`user:${SECRET}`).toString('base64url')],
];

for (const [title, text] of FORMS) {
  test(`the value of a secret ${title} is replaced`, (t) => {
    const left = redaction(SECRET).text(text);
    t.true(left.includes('«secret S0»'), left);
    t.false(
      Buffer.from(left.replace(/«secret S0»/g, ' '), 'base64')
        .toString()
        .includes('wörd'),
    );
    t.false(left.includes(SECRET));
  });
}

test('in binary data only the secret value is replaced', (t) => {
  const bytes = Buffer.concat([Buffer.of(0, 255, 128), Buffer.from(SECRET), Buffer.of(254)]);
  const left = Buffer.from(redaction(SECRET).bytes(bytes));
  t.deepEqual(left, Buffer.concat([Buffer.of(0, 255, 128), Buffer.from('«secret S0»'), Buffer.of(254)]));
});

test('of two secrets, one of which contains the other, both are replaced', (t) => {
  t.is(redaction('abc', 'abcdef').text('abcdef abc'), '«secret S1» «secret S0»');
});

test('a secret value that contains $& is replaced literally', (t) => {
  t.is(redaction('a$&b').text('x a$&b y'), 'x «secret S0» y');
  t.is(Buffer.from(redaction('x').bytes(Buffer.from('axb'))).toString(), 'a«secret S0»b');
});
