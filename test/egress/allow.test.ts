import test from 'ava';
import { parseAllowList, parseHostList } from '../../src/egress/allow.js';

test('networks and addresses are allowed by address, at every port or at the one named', (t) => {
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

test('an IPv4 network covers its addresses in their IPv4-mapped form', (t) => {
  t.true(parseAllowList(['10.0.0.0/8']).address('::ffff:10.1.1.1', 80));
  t.true(parseAllowList(['::ffff:10.1.1.1']).address('10.1.1.1', 80));
});

test('0.0.0.0/0 and ::/0 are all there is, each of its kind', (t) => {
  const four = parseAllowList(['0.0.0.0/0']);
  t.true(four.address('127.0.0.1', 80));
  t.false(four.address('::1', 80));
  t.true(parseAllowList(['::/0']).address('::1', 80));
});

test('hosts are allowed by name, and only by their whole name', (t) => {
  const allow = parseAllowList(['db.internal', 'Push.Example.com:8443', ' spaced.internal ']);
  t.true(allow.host({ host: 'db.internal', port: 1 }));
  t.false(allow.host({ host: 'a.db.internal', port: 1 }));
  t.false(allow.host({ host: 'xdb.internal', port: 1 }));
  t.true(allow.host({ host: 'push.example.com', port: 8443 }));
  t.false(allow.host({ host: 'push.example.com', port: 443 }));
  t.true(allow.host({ host: 'spaced.internal', port: 1 }));
});

test('a suffix allows what is below it, not itself and not what merely ends alike', (t) => {
  const allow = parseAllowList(['*.svc.local', '*.at.port:99']);
  t.true(allow.host({ host: 'a.svc.local', port: 80 }));
  t.true(allow.host({ host: 'a.b.svc.local', port: 80 }));
  t.false(allow.host({ host: 'svc.local', port: 80 }));
  t.false(allow.host({ host: 'asvc.local', port: 80 }));
  t.true(allow.host({ host: 'x.at.port', port: 99 }));
  t.false(allow.host({ host: 'x.at.port', port: 80 }));
});

test('a list of no entries allows nothing', (t) => {
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
  test(`${JSON.stringify(entry)} is no entry, and the error names it`, (t) => {
    const error = t.throws(() => parseAllowList(['10.0.0.0/8', entry]), { code: 'bad_config' });
    t.true(error?.message.includes(JSON.stringify(entry)));
    t.throws(() => parseHostList([entry]), { code: 'invalid_manifest' });
  });
}
