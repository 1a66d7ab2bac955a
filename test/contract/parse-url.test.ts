import test from 'ava';
import { functionMetadataSchema } from '../../src/contract/function.js';
import { parseAllowList, parseHostList } from '../../src/contract/host-rules.js';
import { parseUrl } from '../../src/contract/parse-url.js';
import { openEgress } from '../../src/egress/fetch.js';
import { asker, get } from '../helpers/egress.js';

/** A label whose conversion to Punycode takes a time that grows with the square of its length. */
const international = (length: number) =>
  Array.from({ length }, (_, index) => String.fromCodePoint(0x4e00 + (index % 20_900))).join('');
const LONG = international(200_000);
/** The conversion takes several times as long. */
const AT_MOST_MS = 1000;

const base = new URL('http://base.test/');
for (const [what, before, after] of [
  ['a host', 'http://', '/'],
  ['a host with a port', 'https://', ':8443/'],
  ['a host after a user', 'http://user:password@', '/'],
  ['a host after a user with an @', 'http://a@b@', ''],
  ['a host after one slash', 'http:/', '/'],
  ['a host after no slash', 'http:', '/'],
  ['a host after backslashes', 'http:\\\\\\', '\\'],
  ['a host after blanks', ' \u0001\thttp://', '/'],
  ['a host after a scheme with line ends', 'ht\ntp:\r/\t/', '?a'],
  ['a host in capital letters', 'HTTP://', '#a'],
  ['a host of a file', 'file://', '/a'],
  ['a host without a scheme', '//', '/'],
  ['a host after a slash and a backslash', '/\\', ''],
  ['a host after a bracket and a colon', 'http://a[:', '/'],
  ['a host before a bracket and a colon', 'http://', '[:80'],
  ['a percent-encoded host', 'http://%61', '/'],
] as const) {
  test(`a URL with ${what} of 200,000 characters is refused before it is converted`, (t) => {
    const start = performance.now();
    t.is(parseUrl(before + LONG + after, base), null);
    t.true(performance.now() - start < AT_MOST_MS);
  });
}

for (const text of [
  `http://${'a.'.repeat(126)}a/`,
  `http://${'a.'.repeat(126)}a.:65535/`,
  `http://${'user'.repeat(100)}@example.com:8080/`,
  `http://[2001:db8:1:2:3:4:5:6]:8080/`,
  `http://${international(40)}.example/`,
  `http://a/${'b'.repeat(1000)}@c/`,
  `http://a?${'b'.repeat(1000)}`,
  `http://a#${'b'.repeat(1000)}`,
  'b'.repeat(1000),
  `/${'b'.repeat(1000)}`,
  `./${'b'.repeat(1000)}`,
  `data:${'b'.repeat(1000)}`,
  `redis://${'b'.repeat(1000)}/`.slice(0, 250),
]) {
  test(`${text.slice(0, 40)}, ${text.length} characters long, is parsed as the URL parser does it`, (t) => {
    t.is(parseUrl(text, base)?.href, new URL(text, base).href);
  });
}

test('a host of more than 253 characters in Punycode is refused', (t) => {
  t.is(parseUrl(`http://${'a.'.repeat(127)}a/`), null);
  t.is(parseUrl(`http://${international(250)}/`), null);
});

test('a request, a check and a list of hosts refuse a long international host at once', async (t) => {
  const egress = openEgress({ allow: [], resolve: async () => ['93.184.216.34'] });
  t.teardown(() => egress.close());
  const start = performance.now();
  await t.throwsAsync(egress.fetch(get(`http://${LONG}/`)), { code: 'invalid_request' });
  await t.throwsAsync(egress.check(`http://${LONG}/`, asker), { code: 'invalid_request' });
  t.throws(() => parseHostList([LONG]), { code: 'invalid_manifest' });
  t.throws(() => parseHostList([`a:]@${LONG}`]), { code: 'invalid_manifest' });
  t.throws(() => parseHostList([`a:]@${LONG}[:/8`]), { code: 'invalid_manifest' });
  t.throws(() => parseAllowList([`*.${LONG}:80`]), { code: 'bad_config' });
  t.true(performance.now() - start < AT_MOST_MS);
});

test('settings with a long text where a host, a route or a schedule belongs are refused at once', (t) => {
  const start = performance.now();
  for (const [key, value] of [
    ['allowed_hosts', [LONG]],
    ['allowed_hosts', [`*.${LONG}`]],
    ['http', { routes: [`GET /${LONG}`] }],
    ['http', { cors: { origins: [`https://${LONG}`] } }],
    ['triggers', [{ cron: LONG }]],
    ['triggers', [{ cron: '* * * * *', timezone: LONG }]],
    ['on_success', ` ${LONG}`],
  ] as const) {
    t.false(functionMetadataSchema.safeParse({ [key]: value }).success, key);
  }
  t.true(performance.now() - start < AT_MOST_MS);
});

test('the hosts of one function are parsed once for all its requests', (t) => {
  const hosts = Array.from({ length: 100 }, (_, index) => `${international(50)}.example${index}`);
  t.is(parseHostList(hosts), parseHostList(hosts));
});
