import test from 'ava';
import { parseAllowList, parseHostList } from '../../src/contract/host-rules.js';

test('a network or address entry allows its addresses on all ports or on the given port', (t) => {
  const allow = parseAllowList([
    '10.1.0.0/16',
    '192.168.7.7',
    '127.0.0.1:8080',
    'fd00::/8',
    '::1',
    '[fe80::5]:81',
  ]);
  t.true(allow.address('10.1.255.255', 80));
  t.false(allow.address('10.2.0.0', 80));
  t.true(allow.address('192.168.7.7', 1));
  t.false(allow.address('192.168.7.8', 1));
  t.true(allow.address('127.0.0.1', 8080));
  t.false(allow.address('127.0.0.1', 8081));
  t.true(allow.address('fd12::1', 443));
  t.true(allow.address('::1', 443));
  t.true(allow.address('fe80::5', 81));
  t.false(allow.address('fe80::5', 82));
});

test('IPv4 entries match IPv4-mapped addresses, and the reverse', (t) => {
  t.true(parseAllowList(['10.0.0.0/8']).address('::ffff:10.1.1.1', 80));
  t.true(parseAllowList(['::ffff:10.1.1.1']).address('10.1.1.1', 80));
});

test('0.0.0.0/0 allows every IPv4 address only, and ::/0 allows IPv6 addresses', (t) => {
  const four = parseAllowList(['0.0.0.0/0']);
  t.true(four.address('127.0.0.1', 80));
  t.false(four.address('::1', 80));
  t.true(parseAllowList(['::/0']).address('::1', 80));
});

test('a host entry allows the exact host name, in any case, on all ports or on the given port', (t) => {
  const allow = parseAllowList(['db.internal', 'Push.Example.com:8443', ' spaced.internal ']);
  t.true(allow.host({ host: 'db.internal', port: 1 }));
  t.false(allow.host({ host: 'a.db.internal', port: 1 }));
  t.false(allow.host({ host: 'xdb.internal', port: 1 }));
  t.true(allow.host({ host: 'push.example.com', port: 8443 }));
  t.false(allow.host({ host: 'push.example.com', port: 443 }));
  t.true(allow.host({ host: 'spaced.internal', port: 1 }));
});

test('a *. entry allows subdomains, but not the domain itself or another name with the same ending', (t) => {
  const allow = parseAllowList(['*.svc.local', '*.at.port:99']);
  t.true(allow.host({ host: 'a.svc.local', port: 80 }));
  t.true(allow.host({ host: 'a.b.svc.local', port: 80 }));
  t.false(allow.host({ host: 'svc.local', port: 80 }));
  t.false(allow.host({ host: 'asvc.local', port: 80 }));
  t.true(allow.host({ host: 'x.at.port', port: 99 }));
  t.false(allow.host({ host: 'x.at.port', port: 80 }));
});

test('an empty list allows nothing', (t) => {
  t.false(parseAllowList([]).address('127.0.0.1', 80));
  t.false(parseAllowList([]).host({ host: 'localhost', port: 80 }));
  t.false(parseHostList([])({ host: 'example.com', port: 443 }));
});

for (const entry of [
  '',
  '*',
  '10.0.0.0/33',
  '10.0.0/8',
  '10.0.0.0/x',
  '10.0.0.0/8/8',
  'a b',
  'http://x',
  'x/y',
  'a@b',
  '*.10.0.0.1',
  'a:99999',
  'a.*.b',
  '[::1',
  '::ffff:10.0.0.0/104',
]) {
  test(`the entry ${JSON.stringify(entry)} is rejected with an error that names it`, (t) => {
    const error = t.throws(() => parseAllowList(['10.0.0.0/8', entry]), { code: 'bad_config' });
    t.true(error?.message.includes(JSON.stringify(entry)));
    t.throws(() => parseHostList([entry]), { code: 'invalid_manifest' });
  });
}
