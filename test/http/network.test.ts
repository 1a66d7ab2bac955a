import test from 'ava';
import { aTenant, sharedEngine } from './served.js';

const engine = sharedEngine();

test('network status returns uptime, peer count and the database size of the calling namespace', async (t) => {
  const running = await engine();
  const api = await aTenant(running);
  const before = await api.get('/v1/network/status');
  t.is(before.status, 200, before.text);
  t.like(before.json, { connected: true, peer_count: 1, database_size: 0 });
  t.true(Number.isInteger(before.json.uptime));
  await api.post('/v1/rqlite/create-table', { schema: 'CREATE TABLE t (a)' });
  t.true((await api.get('/v1/network/status')).json.database_size > 4096);
  const other = await aTenant(running);
  t.is((await other.get('/v1/network/status')).json.database_size, 0);
  const peers = await api.get('/v1/network/peers');
  t.deepEqual(peers.json, { peers: [{ id: before.json.node_id, addresses: [] }], count: 1 });
  for (const path of ['/v1/network/status', '/v1/network/peers']) {
    t.is((await running.api.as().get(path)).status, 401, path);
  }
});

test('unsupported endpoints of the original API return 501 not_implemented with a reason', async (t) => {
  const api = await aTenant(await engine());
  for (const [path, body] of [
    ['/v1/proxy/anon', { url: 'https://example.com', method: 'GET' }],
    ['/v1/network/connect', { multiaddr: '/ip4/127.0.0.1/tcp/4001' }],
    ['/v1/network/disconnect', { peer_id: 'x' }],
  ] as const) {
    const reply = await api.post(path, body);
    t.is(reply.status, 501, path);
    t.is(reply.json.code, 'not_implemented');
    t.regex(reply.json.error, /^(This engine|The nodes of) .*; .*\.$/);
  }
});
