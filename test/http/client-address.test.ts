import test from 'ava';
import { type AddressedRequest, createClientAddresses } from '../../src/http/admission/client-address.js';

function from(peer: string, forwarded?: string): AddressedRequest {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return { socket: { remoteAddress: peer }, headers };
}

test('X-Forwarded-For is ignored unless the peer is a trusted proxy', (t) => {
  const { rateLimitKeyOf: addressOf } = createClientAddresses();
  t.is(addressOf(from('198.51.100.7', '203.0.113.9')), '198.51.100.7');
  t.is(createClientAddresses(['10.0.0.0/8']).addressOf(from('198.51.100.7', '203.0.113.9')), '198.51.100.7');
});

test('behind trusted proxies the client is the rightmost forwarded address that is not a trusted proxy', (t) => {
  const { rateLimitKeyOf: addressOf } = createClientAddresses(['10.0.0.0/8', '::1']);
  t.is(addressOf(from('10.0.0.1', '203.0.113.9')), '203.0.113.9');
  t.is(addressOf(from('10.0.0.1', '1.2.3.4, 203.0.113.9, 10.9.9.9')), '203.0.113.9');
  t.is(addressOf(from('::ffff:10.0.0.1', '203.0.113.9')), '203.0.113.9');
  t.is(addressOf(from('10.0.0.1', 'nonsense')), '10.0.0.1');
  t.is(addressOf(from('10.0.0.1')), '10.0.0.1');
});

test('a port that a proxy has appended to an address is ignored', (t) => {
  const { addressOf } = createClientAddresses(['10.0.0.0/8']);
  t.is(addressOf(from('10.0.0.1', '203.0.113.9:4711')), '203.0.113.9');
  t.is(addressOf(from('10.0.0.1', '1.2.3.4, [2001:db8::1]:443, 10.9.9.9:80')), '2001:db8::1');
  t.is(addressOf(from('10.0.0.1', '[2001:db8::1]')), '2001:db8::1');
  t.is(addressOf(from('10.0.0.1', '2001:db8::1')), '2001:db8::1');
  t.is(addressOf(from('10.0.0.1', '203.0.113.9:x')), '10.0.0.1');
});

test('addresses of one IPv6 /64 network count as one client', (t) => {
  const { rateLimitKeyOf: addressOf } = createClientAddresses();
  t.is(addressOf(from('2001:db8:1:2::1')), addressOf(from('2001:db8:1:2:ffff::9')));
  t.not(addressOf(from('2001:db8:1:2::1')), addressOf(from('2001:db8:1:3::1')));
});

test('the origin behind a trusted proxy is that of the last entry, unless it is no host', (t) => {
  const { originOf } = createClientAddresses(['10.0.0.0/8']);
  const origin = (peer: string, proto: string, host: string) =>
    originOf({
      socket: { remoteAddress: peer },
      headers: { host: 'engine:4001', 'x-forwarded-proto': proto, 'x-forwarded-host': host },
    });
  t.is(origin('10.0.0.1', 'HTTPS', 'fn.example.com'), 'https://fn.example.com');
  t.is(origin('10.0.0.1', 'http, https', 'evil.example, fn.example.com:8443'), 'https://fn.example.com:8443');
  t.is(origin('10.0.0.1', 'https, http', 'fn.example.com'), 'http://fn.example.com');
  for (const host of ['a/b', 'user@host', 'fn.example.com/x?y#z', 'a b', 'host:port', '']) {
    t.is(origin('10.0.0.1', 'https', host), 'https://engine:4001', host);
  }
  t.is(origin('198.51.100.7', 'https', 'fn.example.com'), 'http://engine:4001');
});

test('the origin behind several trusted proxies is that which the first of them saw', (t) => {
  const { originOf } = createClientAddresses(['10.0.0.0/8']);
  const origin = (addresses: string, proto: string, host: string) =>
    originOf({
      socket: { remoteAddress: '10.0.0.1' },
      headers: {
        'x-forwarded-for': addresses,
        'x-forwarded-proto': proto,
        'x-forwarded-host': host,
      },
    });
  const both = '203.0.113.9, 10.9.9.9';
  t.is(origin(both, 'https, http', 'fn.example.com, inner:8080'), 'https://fn.example.com');
  t.is(origin(both, 'gopher, https, http', 'evil.example, fn.example.com, inner'), 'https://fn.example.com');
  t.is(
    origin(both, 'https', 'fn.example.com'),
    'https://fn.example.com',
    'the second one replaced the entries',
  );
  t.is(origin('10.9.9.9', 'http, https', 'evil.example, fn.example.com'), 'https://fn.example.com');
});

test('a host name in the list of trusted proxies is rejected with bad_config', (t) => {
  t.throws(() => createClientAddresses(['proxy.local']), { code: 'bad_config' });
});
