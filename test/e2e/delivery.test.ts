import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { Webhook } from 'standardwebhooks';
import type { Api, JsonValue } from '../helpers/api.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { ASYNC, deliveriesOver } from '../helpers/deliveries.js';
import { gateServer } from '../helpers/gate-server.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

let cluster: Cluster;
let api: Api;

/** One web and two workers with one Redis, for all tests of the file. */
test.before(async () => {
  cluster = await startCluster({ EGRESS_ALLOW: '127.0.0.1' });
  ({ api } = await cluster.web());
  await Promise.all([cluster.worker(), cluster.worker()]);
});
test.after.always(() => cluster?.close());

const { deploy, get, inState, ended, send } = deliveriesOver(() => api);

test('an async invocation goes through queued, running and retrying to success, and lists its attempts', async (t) => {
  // Each state lasts until it is seen, or for long.
  const name = await deploy({}, { retry_count: '1', retry_delay_seconds: '6' });
  const gate = await gateServer(t);
  const id = await send(name, commands(gate.wait, { op: 'exit_until_attempt', n: 2 }), {
    'x-delay-seconds': '6',
  });
  t.like(await get(id), { state: 'queued', attempts: [], completed_at: null, output: null });
  t.like(await inState(id, 'running'), { completed_at: null });
  gate.open();
  const retrying = await inState(id, 'retrying');
  t.deepEqual(
    retrying.attempts.map(({ number, status }: JsonValue) => [number, status]),
    [[1, 'error']],
  );
  const over = await ended(id);
  t.like(over, { state: 'success', trigger: 'async', error: null });
  t.is(JSON.parse(over.output).results[1], 2);
  t.deepEqual(
    over.attempts.map(({ number, status }: JsonValue) => [number, status]),
    [
      [1, 'error'],
      [2, 'success'],
    ],
  );
  t.true(over.completed_at > over.created_at);
});

test('twenty concurrent calls with one Idempotency-Key share one invocation that runs once', async (t) => {
  const name = await deploy();
  const key = { 'idempotency-key': `key-${name}` };
  const input = commands({ op: 'cache_incr', a: name, n: 1 });
  const replies = await Promise.all(Array.from({ length: 20 }, () => api.invoke(name, input, key)));
  for (const reply of replies) t.deepEqual([reply.status, reply.json], [200, { results: [1] }], reply.text);
  t.is(new Set(replies.map(({ headers }) => headers.get('x-request-id'))).size, 1);
  t.deepEqual((await api.invoke(name, commands({ op: 'cache_get', a: name }))).json, { results: ['1'] });
  const later = await api.invoke(name, input, { ...key, ...ASYNC });
  t.is(later.json.request_id, replies[0]?.headers.get('x-request-id'));
});

test('a call refused by a full queue does not use up its Idempotency-Key or X-Request-ID', async (t) => {
  const refusing = await cluster.web({ QUEUE_MAX_WAITING: '1' });
  const name = await deploy();
  const parked = await send(name, '{}', { 'x-delay-seconds': '600' });
  const key = { 'idempotency-key': `key-${name}`, 'x-request-id': crypto.randomUUID() };
  t.is((await refusing.api.invoke(name, '"first"', key)).status, 429);
  t.is((await api.invoke(name, '"second"', key)).status, 200);
  await api.delete(`/v1/invocations/${parked}`);
  await refusing.stop();
});

test('exit codes 64 to 78 end an invocation without retries; other exit codes are retried', async (t) => {
  const name = await deploy({}, { retry_count: '2', retry_delay_seconds: '0' });
  const attempts = async (code: number) => {
    const reply = await api.invoke(name, commands({ op: 'exit', n: code }));
    t.is(reply.status, code >= 64 && code <= 78 ? 422 : 500);
    return Number(reply.headers.get('x-attempts'));
  };
  t.deepEqual([await attempts(63), await attempts(64), await attempts(78), await attempts(79)], [3, 1, 1, 3]);
});

test('exponential backoff doubles the wait between attempts', async (t) => {
  const name = await deploy(
    { retry: { backoff: 'exponential' } },
    { retry_count: '2', retry_delay_seconds: '2' },
  );
  const { attempts } = await ended(await send(name, commands({ op: 'exit', n: 1 })));
  const [first, second, third] = attempts.map((one: JsonValue) => Date.parse(one.started_at));
  // A fifth is jitter, and a busy machine only adds to the delay.
  t.true(second - first >= 1500, `${second - first}`);
  t.true(third - second >= 3100, `${third - second}`);
});

test('a callback is sent again until it gets a 2xx reply, and is signed every time', async (t) => {
  const name = await deploy();
  const { secret } = (await api.get('/v1/auth/callback-secret')).json;
  const posts: { body: string; signature: unknown; headers: IncomingHttpHeaders }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    posts.push({ body, signature: request.headers['x-orama-signature'], headers: request.headers });
    response.writeHead(posts.length === 1 ? 503 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`;
  const id = await send(name, commands({ op: 'exit', n: 65 }), { 'x-callback-url': url });
  await until('two posts', async () => posts.length >= 2);
  const end = await ended(id);
  t.deepEqual(JSON.parse(posts[0]?.body ?? ''), {
    request_id: id,
    function: name,
    version: 1,
    status: 'dead',
    error: end.error,
    attempts: 1,
    duration_ms: end.attempts[0].duration_ms,
    output: null,
    completed_at: end.completed_at,
  });
  for (const { body, signature } of posts) {
    t.is(body, posts[0]?.body ?? '');
    t.is(signature, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  }
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  t.is(key.byteLength, 32);
  for (const { body, headers } of posts) {
    t.is(headers['webhook-id'], posts[0]?.headers['webhook-id'], 'the same message');
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const expected = createHmac('sha256', key).update(signed).digest('base64');
    t.is(headers['webhook-signature'], `v1,${expected}`);
    t.true(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 60);
    // The library of Standard Webhooks, which shares no code with the engine.
    const given = headers as Record<string, string>;
    t.deepEqual(new Webhook(secret).verify(body, given), JSON.parse(body));
    t.throws(() => new Webhook(secret).verify(`${body} `, given), { message: /signature/ });
    const replayed = { ...given, 'webhook-timestamp': `${Number(given['webhook-timestamp']) - 3600}` };
    t.throws(() => new Webhook(secret).verify(body, replayed), { message: /timestamp/ });
    t.throws(() => new Webhook(secret).verify(body, { ...given, 'webhook-id': id.replace(/.$/, 'x') }));
  }
  const refused = await api.invoke(name, 'x', { ...ASYNC, 'x-callback-url': 'http://169.254.169.254/' });
  t.is(refused.status, 400);
});

test('an invocation continues after its client disconnects, and ends as success or dead', async (t) => {
  const name = await deploy();
  for (const [op, state] of [
    [{ op: 'exit', n: 1 }, 'dead'],
    [{ op: 'echo', a: 'done' }, 'success'],
  ] as const) {
    const id = crypto.randomUUID();
    const gone = new AbortController();
    const gate = await gateServer(t);
    const call = api.request('POST', `/v1/functions/${name}/invoke`, {
      headers: { 'x-request-id': id },
      body: commands(gate.wait, op),
      signal: gone.signal,
    });
    await inState(id, 'running');
    gone.abort();
    t.is(await call.catch(() => 'cut off'), 'cut off');
    gate.open();
    t.is((await ended(id)).state, state);
  }
});

test('a dead letter keeps error and log of each attempt, and a replay runs the same input', async (t) => {
  const name = await deploy({}, { retry_count: '1', retry_delay_seconds: '0' });
  const id = await send(name, commands({ op: 'log', a: 'tried' }, { op: 'exit_until_attempt', n: 3 }));
  const dead = await ended(id);
  t.is(dead.state, 'dead');
  t.deepEqual(
    dead.attempts.map(({ number, status, error }: JsonValue) => [number, status, error]),
    [
      [1, 'error', dead.error],
      [2, 'error', dead.error],
    ],
  );
  const records = await loggedAttempts(api, name, `&request_id=${id}`);
  t.deepEqual(
    records.map(({ attempt, messages }) => [attempt, messages[0]?.message]),
    [
      [2, 'tried'],
      [1, 'tried'],
    ],
  );
  // The newest version has enough retries; the pinned one does not.
  await api.deploy(name, await probeWasm(), { retry_count: '3', retry_delay_seconds: '0' });
  const { json } = await api.post(`/v1/invocations/${id}/replay?version=newest`, {});
  t.like(await ended(json.request_id), {
    state: 'success',
    version: 2,
    trigger: 'replay',
    output: '{"results":[null,3]}',
  });
});

test('a running invocation can be cancelled once, and its waiting caller gets 499', async (t) => {
  const name = await deploy();
  const call = api.invoke(name, commands({ op: 'spin' }));
  const id = await until('the invocation runs', async () => {
    const { json } = await api.get(`/v1/invocations?function=${name}&status=running`);
    return json.invocations[0]?.request_id as string | undefined;
  });
  t.deepEqual((await api.delete(`/v1/invocations/${id}`)).json, { request_id: id, state: 'cancelled' });
  t.is((await call).status, 499);
  t.is((await ended(id)).state, 'cancelled');
  t.is((await api.delete(`/v1/invocations/${id}`)).status, 409);
});

test('deleting a function cancels its waiting and delayed jobs, and keeps its running job and its log', async (t) => {
  const name = await deploy({ concurrency: 1 });
  await api.invoke(name, commands({ op: 'log', a: 'kept' }));
  const gate = await gateServer(t);
  const running = await send(name, commands(gate.wait));
  await until('the guest runs', () => gate.visitors() > 0);
  const waiting = [
    await send(name, commands({ op: 'echo', a: 'never' })),
    await send(name, '{}', { 'x-delay-seconds': '600' }),
  ];
  t.is((await api.delete(`/v1/functions/${name}`)).status, 200);
  for (const id of waiting) t.like(await ended(id), { state: 'cancelled', attempts: [] });
  gate.open();
  t.is((await ended(running)).state, 'success');
  t.true((await loggedAttempts(api, name)).some(({ messages }) => messages[0]?.message === 'kept'));
});

test('concurrency: 1 runs one invocation at a time across two worker processes', async (t) => {
  const name = await deploy({ concurrency: 1 });
  const ids = await Promise.all(
    Array.from({ length: 8 }, () =>
      send(
        name,
        commands(
          { op: 'cache_incr', a: name, n: 1 },
          { op: 'sleep', n: 150 },
          { op: 'cache_incr', a: name, n: -1 },
        ),
      ),
    ),
  );
  for (const id of ids) t.is((await ended(id)).output, '{"results":[1,null,0]}');
});

test('a full queue returns 429 with Retry-After and accepts no invocation', async (t) => {
  const full = await cluster.web({ QUEUE_MAX_WAITING: '1' });
  const name = await deploy({ triggers: [{ topic: 'to-a-full-queue' }] });
  const parked = await send(name, '{}', { 'x-delay-seconds': '600' });
  for (const refused of [
    await full.api.invoke(name, '{}'),
    await full.api.invoke(name, '{}', ASYNC),
    await full.api.publish('to-a-full-queue', 1),
  ]) {
    t.is(refused.status, 429, refused.text);
    t.true(Number(refused.headers.get('retry-after')) >= 1);
    t.is(refused.json.code, 'queue_full');
  }
  t.is((await api.get(`/v1/invocations?function=${name}`)).json.count, 1);
  await api.delete(`/v1/invocations/${parked}`);
  await full.stop();
});
