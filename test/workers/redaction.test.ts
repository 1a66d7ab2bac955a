import test from 'ava';
import { Redaction } from '../../workers/delivery/redaction.js';
import { fastestMs } from '../helpers/waits.js';

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
  t.is(redaction('abcd', 'abcdefgh').text('abcdefgh abcd'), '«secret S1» «secret S0»');
  t.is(redaction('abcdefgh', 'efgh').text('abcdefgh efgh'), '«secret S0» «secret S1»');
});

test('of two secrets that overlap in a text, nothing is left', (t) => {
  t.is(redaction('abcdef', 'defghij').text('-abcdefghij-'), '-«secret S1»-');
  t.is(redaction('abcdef', 'ghijkl').text('-abcdefghijkl-'), '-«secret S0»«secret S1»-');
  t.is(redaction('aaaa').text('-aaaaaa-'), '-«secret S0»-');
});

test('a placeholder is not searched for other secrets', (t) => {
  const made = new Redaction();
  // Without one pass, each placeholder would contain sixty of the next one.
  for (const [name, value] of [
    ['b', 'aaaa'],
    ['c', 'bbbb'],
    ['d', 'cccc'],
  ] as const)
    made.add(name.repeat(60), value);
  t.is(made.text('aaaa,bbbb'), `«secret ${'b'.repeat(60)}»,«secret ${'c'.repeat(60)}»`);
});

test('values under four characters are searched for in no text, but hidden where they are read', (t) => {
  const made = redaction('abc');
  t.is(made.text('abc'), 'abc');
  t.is(made.value('S0', 'abc'), '«secret S0»');
});

test('secrets that are too large to search for make a redaction incomplete, at once', (t) => {
  const fits = redaction('x'.repeat(20_000));
  t.true(fits.isComplete);
  const secrets = Array.from({ length: 1000 }, (_, n) => `${n}`.padEnd(60_000, 'é'));
  t.false(redaction(...secrets).isComplete);
  const took = fastestMs(() => redaction(...secrets));
  // Each is encoded in several ways.
  const encoding = fastestMs(() => encodeURIComponent(secrets[7] ?? ''));
  t.true(took < 300 * encoding, `${took} ms, and ${encoding} ms to encode one of a thousand`);
});

test('secrets that nearly match everywhere are searched for in linear time', (t) => {
  const secret = `${'a'.repeat(20_000)}b`;
  const made = redaction(secret, `b${'a'.repeat(4000)}`);
  const text = 'a'.repeat(1 << 20);
  t.is(made.text(`${text}-`), `${text}-`);
  const took = fastestMs(() => made.text(`${text}-`));
  // With the product of both lengths, it would take a hundred times as long as for a short secret.
  const short = redaction(`${'a'.repeat(200)}b`);
  const reference = fastestMs(() => short.text(`${text}-`));
  t.true(took < 20 * reference, `${took} ms, and ${reference} ms for a short secret`);
  t.is(made.text(`a${secret}c`), 'a«secret S0»c');
});

test('a secret value that contains $& is replaced literally', (t) => {
  t.is(redaction('a$&b').text('x a$&b y'), 'x «secret S0» y');
  t.is(Buffer.from(redaction('xxxx').bytes(Buffer.from('axxxxb'))).toString(), 'a«secret S0»b');
});
