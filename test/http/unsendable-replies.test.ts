import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { json as jsonOf } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { createClient } from '../../clients/typescript/src/index.js';
import { MB } from '../../src/contract/limits.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { requestHead } from '../helpers/raw-http.js';
import { until } from '../helpers/until.js';
import { sharedEngine } from './served.js';
import { doing, servedFunctions } from './served-functions.js';

/** The clients that do not read hold the memory for as long as a test takes. */
const engine = sharedEngine({ env: { REQUEST_IDLE_SECONDS: '120' } });
const LEFT = 64 << 10;
/** A statement whose result is too large for the memory that is left. */
const LARGE = 'select hex(zeroblob(100000)) as a';
const INPUT = commands({ op: 'query', a: LARGE, b: '[]' });
const OUTPUT = JSON.stringify({ results: [[{ a: '0'.repeat(200_000) }]] });

/**
 * Has clients that do not read use the memory of a namespace, until `leave`. What is left suffices
 * for small requests and for no accounted reply.
 */
async function aFullNamespace(t: ExecutionContext) {
  const { tenant, call, base } = await servedFunctions(await engine(), { web: { auth: 'none' } });
  t.is((await tenant.deploy('probe', await probeWasm())).status, 201);
  const form = new FormData();
  // A quarter of what a namespace may have.
  form.set('file', new Blob([Buffer.alloc(32 * MB - LEFT / 4)]), 'f');
  const { json } = await tenant.request('POST', '/v1/storage/upload', { body: form });
  const head = requestHead('GET', `/v1/storage/get/${json.cid}`, 'Host: x', `X-API-Key: ${tenant.key}`);
  const { hostname, port } = new URL(tenant.url);
  const sockets = Array.from({ length: 4 }, () => {
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.write(head);
    return socket;
  });
  const leave = () => {
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(leave);
  await Promise.all(sockets.map((socket) => once(socket, 'readable')));
  return { tenant, call, base, leave };
}

test('a sync call whose reply finds no memory is 202, and its result can be read once there is some', async (t) => {
  const { tenant, leave } = await aFullNamespace(t);
  const reply = await tenant.invoke('probe', INPUT);
  t.is(reply.status, 202, reply.text);
  const id = reply.headers.get('x-request-id');
  t.deepEqual(reply.json, { request_id: id, status: 'queued' });
  t.is(reply.headers.get('location'), `/v1/invocations/${id}`);
  t.is(reply.headers.get('retry-after'), null);
  const early = await until('it is recorded', async () => {
    const read = await tenant.get(`/v1/invocations/${id}`);
    return read.status === 200 ? null : read;
  });
  t.is(early.status, 429);
  t.like(early.json, { code: 'rate_limited' });
  t.is(early.headers.get('retry-after'), '1');
  leave();
  const { json } = await until('it can be read', async () => {
    const read = await tenant.get(`/v1/invocations/${id}`);
    return read.status === 200 ? read : null;
  });
  t.like(json, { state: 'success', output: OUTPUT });
});

test('a client whose call finds no memory for its reply gets the result of the one run', async (t) => {
  const { tenant, leave } = await aFullNamespace(t);
  const client = createClient({ url: tenant.url, apiKey: tenant.key, retries: 60 });
  const called = client.invoke('probe', INPUT);
  await until('it has run', async () => (await tenant.get('/v1/functions/probe/logs')).json.count === 1);
  leave();
  t.is((await called).text(), OUTPUT);
  t.is((await tenant.get('/v1/functions/probe/logs')).json.count, 1);
});

test('a change whose reply finds no memory is ambiguous_write, and a query is 429', async (t) => {
  const { tenant } = await aFullNamespace(t);
  await tenant.post('/v1/rqlite/exec', { sql: 'create table t (n)', args: [] });
  const insert = { kind: 'exec', sql: 'insert into t values (1)', args: [] };
  const changed = await tenant.post('/v1/rqlite/transaction', {
    ops: [insert, { kind: 'query', sql: LARGE, args: [] }],
  });
  t.is(changed.status, 503, changed.text);
  t.like(changed.json, { code: 'ambiguous_write' });
  t.regex(changed.json.error, /carried out/);
  t.is(changed.headers.get('retry-after'), null);
  const { json } = await tenant.post('/v1/rqlite/query', { sql: 'select n from t', args: [] });
  t.is(json.count, 1);
  const read = await tenant.post('/v1/rqlite/query', { sql: LARGE, args: [] });
  t.is(read.status, 429, read.text);
  t.is(read.headers.get('retry-after'), '1');
});

test('an HTTP function whose reply finds no memory answers 202, only a safe method 429, and keeps its error', async (t) => {
  const { tenant, base } = await aFullNamespace(t);
  const send = async (method: string, what: string) => {
    const headers = { ...doing(what).headers, 'x-api-key': tenant.key };
    const sent = request(`${base}/web`, { method, headers });
    sent.end();
    const [response] = await once(sent, 'response');
    return { status: response.statusCode, headers: response.headers, response };
  };
  const posted = await send('POST', 'large 200');
  t.is(posted.status, 202);
  const id = posted.headers['x-request-id'];
  t.deepEqual(await jsonOf(posted.response), { request_id: id, status: 'queued' });
  t.is(posted.headers['retry-after'], undefined);

  const safe = await send('GET', 'large 200');
  t.is(safe.status, 429);
  t.is(safe.headers['retry-after'], '1');
  t.like(await jsonOf(safe.response), { code: 'rate_limited', request_id: safe.headers['x-request-id'] });

  const failed = await send('POST', 'large 418');
  t.is(failed.status, 418);
  t.like(failed.headers, { 'content-length': '0', 'x-kept': 'yes' });
  failed.response.resume();
});
