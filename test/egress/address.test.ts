import test from 'ava';
import { blockedReason } from '../../src/egress/address.js';

const refused: Record<string, string[]> = {
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  private: [
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    'fc00::1',
    'fd12:3456::1',
  ],
  'link-local': ['169.254.0.1', 'fe80::1', 'febf::1'],
  metadata: ['169.254.169.254', 'fd00:ec2::254', '168.63.129.16', '100.100.100.200', '192.0.0.192'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '::'],
  broadcast: ['255.255.255.255'],
  reserved: [
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '198.18.0.1',
    '240.0.0.1',
    '192.88.99.1',
    '100::1',
    '2001:db8::1',
    '3fff::1',
    '5f00::1',
    'fec0::1',
    '4000::1',
  ],
  'IPv4-mapped': ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '::ffff:7f00:1'],
  'IPv4-compatible': ['::127.0.0.1', '::10.0.0.1', '::8.8.8.8'],
  'IPv4-translated': ['::ffff:0:127.0.0.1', '::ffff:0:10.0.0.1'],
  'NAT64 of a private address': ['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::169.254.169.254'],
  'local NAT64': ['64:ff9b:1::1', '64:ff9b:1:ffff::8.8.8.8'],
  '6to4': ['2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1'],
  Teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001::1'],
  'no address': [
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '017700000001',
    '2130706433',
    'fe80::1%eth0',
    '1.2.3.4.5',
  ],
};

for (const [kind, addresses] of Object.entries(refused)) {
  test(`addresses of the kind "${kind}" are blocked`, (t) => {
    for (const address of addresses) t.not(blockedReason(address), null, address);
  });
}

test('public addresses are allowed, including those adjacent to reserved ranges', (t) => {
  const open = [
    '8.8.8.8',
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2001:4860:4860::8888',
    '2a00:1450::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ];
  for (const address of open) t.is(blockedReason(address), null, address);
});

test('the reason for blocking an address names its kind', (t) => {
  t.is(blockedReason('127.0.0.1'), 'a loopback address');
  t.is(blockedReason('::ffff:10.1.1.1'), 'a private address');
  t.is(blockedReason('64:ff9b::a9fe:a9fe'), 'a link-local address');
  t.is(blockedReason('2002:7f00:1::'), 'a reserved address');
});
