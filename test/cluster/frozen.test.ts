import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { ApiReply } from '../helpers/api.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { notRun } from '../helpers/not-run.js';
import { findRqlited, startRqlite } from '../helpers/rqlited.js';
import { until } from '../helpers/until.js';

/**
 * A server that answers every request until it is frozen; afterwards it only accepts connections.
 */
async function freezable(t: ExecutionContext, answer: RequestListener) {
  let isFrozen = false;
  const server = createServer((request, response) => {
    if (!isFrozen) answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      isFrozen = true;
    },
  };
}

const aKubo: RequestListener = (request, response) =>
  void request.resume().on('end', () => response.end('{"Version":"0.30.0","ID":"x"}'));

/** An RQLite on which every statement returns the number 0. */
const anRqlite: RequestListener = async (request, response) => {
  const statements: unknown[] = JSON.parse(await text(request));
  const result = { columns: ['found'], types: ['integer'], values: [[0]] };
  response.end(JSON.stringify({ results: statements.map(() => result) }));
};

/** Far more than the two seconds that these pages wait, and less than a request timeout. */
const SOON_MS = 10_000;

async function soon(t: ExecutionContext, request: () => Promise<ApiReply>): Promise<ApiReply> {
  const since = performance.now();
  const reply = await request();
  const ms = Math.round(performance.now() - since);
  t.true(ms < SOON_MS, `answered after ${ms} ms with ${reply.text}`);
  return reply;
}

async function aCluster(t: ExecutionContext, settings: Record<string, string>): Promise<Cluster> {
  const cluster = await startCluster(settings);
  t.teardown(cluster.close);
  return cluster;
}

test('while Kubo is frozen, the pages of the state name it, and what needs it gets 503 soon', async (t) => {
  const kubo = await freezable(t, aKubo);
  const { api } = await (await aCluster(t, { IPFS_API_URL: kubo.url })).web();
  kubo.freeze();

  // On a busy machine others may be as silent for a moment.
  const status = await until('only Kubo is down', async () => {
    const reply = await soon(t, () => api.get('/v1/network/status'));
    return isDeepStrictEqual(reply.json.down, { blobs: 'no answer within 2 s' }) && reply;
  });
  t.is(status.status, 200, status.text);
  t.is(status.json.connected, false);
  await until('only Kubo is silent', async () => {
    const peers = await soon(t, () => api.get('/v1/network/peers'));
    return isDeepStrictEqual(peers.json.silent, ['blobs']);
  });
  t.like((await soon(t, () => api.get('/v1/status'))).json.dependencies.blobs, { status: 'down' });
  const file = new FormData();
  file.set('file', new Blob(['hello']), 'hello.txt');
  const upload = await soon(t, () => api.request('POST', '/v1/storage/upload', { body: file }));
  t.is(upload.status, 503, upload.text);
  t.is(upload.json.code, 'unavailable');
});

test('while the RQLite of functions is frozen, the pages of the state name it, and statements end soon', async (t) => {
  const rqlite = await freezable(t, anRqlite);
  const { api } = await (await aCluster(t, { FUNCTION_DB_URL: rqlite.url })).web();
  t.is((await api.get('/v1/network/status')).status, 200);
  rqlite.freeze();

  const status = await until('only the databases are down', async () => {
    const reply = await soon(t, () => api.get('/v1/network/status'));
    return isDeepStrictEqual(Object.keys(reply.json.down), ['databases']) && reply;
  });
  t.is(status.status, 200, status.text);
  t.like(status.json, { connected: false, database_size: null });
  const read = await soon(t, () => api.post('/v1/rqlite/query', { sql: 'select 1' }));
  t.is(read.status, 503, read.text);
  t.regex(read.json.error, /cannot be reached/);
  const write = await soon(t, () => api.post('/v1/rqlite/exec', { sql: 'create table t (a)' }));
  t.is(write.json.code, 'ambiguous_write', write.text);
  // An RQLite for functions has no quota, so its use is not asked for.
  t.is((await soon(t, () => api.get('/v1/namespaces/default/usage'))).status, 200);
});

test('while Redis is frozen, the pages of the state name it', async (t) => {
  const cluster = await aCluster(t, {});
  const { api } = await cluster.web();
  t.is(typeof (await api.get('/v1/status')).json.queue.waiting, 'number');
  cluster.redis.freeze();
  t.teardown(cluster.redis.thaw);

  const status = await soon(t, () => api.get('/v1/status'));
  t.is(status.status, 200, status.text);
  t.is(status.json.queue, undefined);
  t.like(status.json.dependencies, { queue: { status: 'down' }, store: { status: 'up' } });
  const network = await soon(t, () => api.get('/v1/network/status'));
  t.true('queue' in network.json.down, network.text);
  t.is((await soon(t, () => api.get('/metrics'))).status, 200);
});

const rqlited = findRqlited();
if (rqlited === null) notRun('rqlite: not found, real-server suite not run: a frozen store');
else {
  test('while the store is frozen, every read ends with 503 and every page of the state is there', async (t) => {
    const store = await startRqlite(rqlited);
    t.teardown(store.close);
    const { api } = await (await aCluster(t, { RQLITE_URL: store.urls.join(',') })).web();
    t.is((await api.get('/v1/functions')).status, 200);
    store.nodes[0]?.freeze();

    for (const path of ['/v1/network/status', '/v1/network/peers', '/v1/status', '/metrics']) {
      t.is((await soon(t, () => api.get(path))).status, 200, path);
    }
    const reads = ['/v1/functions', '/v1/invocations', '/v1/audit', '/v1/auth/keys', '/v1/functions/x/logs'];
    const since = performance.now();
    for (const reply of await Promise.all(reads.map((path) => api.get(path)))) {
      t.is(reply.status, 503, reply.text);
      t.is(reply.json.code, 'unavailable', reply.text);
    }
    t.true(performance.now() - since < 25_000, 'a frozen node is not waited for as for a slow statement');
    store.nodes[0]?.thaw();
  });
}
