import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { type Cluster, startCluster, type WebProcess } from '../helpers/cluster.js';
import { eventually } from '../helpers/eventually.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';

const ASYNC = { prefer: 'respond-async' };
const ENDS = ['success', 'error', 'timeout', 'dead', 'cancelled'];

let cluster: Cluster;
let web: WebProcess;
let api: Api;
let names = 0;

/** One web and two workers on one Redis, for all tests of the file. */
test.before(async () => {
  cluster = await startCluster({ EGRESS_ALLOW: '127.0.0.1', QUEUE_MAX_WAITING: '1100' });
  web = await cluster.web();
  await Promise.all([cluster.worker(), cluster.worker()]);
  api = web.api;
});
test.after.always(() => cluster?.close());

/** The probe under a name of the test's own, with these form fields and metadata. */
async function deploy(metadata: object = {}, fields: Record<string, string> = {}): Promise<string> {
  names += 1;
  const name = `probe-${names}`;
  const given = { ...fields, metadata: JSON.stringify(metadata) };
  const { status, text } = await api.deploy(name, await probeWasm(), given);
  if (status !== 201) throw new Error(`not deployed: ${status} ${text}`);
  return name;
}

async function get(id: string): Promise<JsonValue> {
  return (await api.get(`/v1/invocations/${id}`)).json;
}

async function inState(id: string, ...states: string[]): Promise<JsonValue> {
  return eventually(`${id} is ${states.join(' or ')}`, async () => {
    const record = await get(id);
    return states.includes(record.state) && record;
  });
}

const ended = (id: string) => inState(id, ...ENDS);

async function send(name: string, input: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, json, text } = await api.invoke(name, input, { ...ASYNC, ...headers });
  if (status !== 202) throw new Error(`not accepted: ${status} ${text}`);
  return json.request_id;
}

/** What a function that only listens was sent, as its input's JSON. */
async function received(name: string, count: number): Promise<JsonValue[]> {
  return eventually(`${count} events for ${name}`, async () => {
    const { json } = await api.get(`/v1/invocations?function=${name}&status=success`);
    if (json.count < count) return false;
    const ids: string[] = json.invocations.map((one: { request_id: string }) => one.request_id);
    return Promise.all(ids.map(async (id) => JSON.parse((await get(id)).output)));
  });
}

test('an asynchronous invocation is queued, running, retrying, and then over, with its attempts', async (t) => {
  const name = await deploy({}, { retry_count: '1', retry_delay_seconds: '2' });
  const id = await send(name, commands({ op: 'sleep', n: 1500 }, { op: 'exit_until_attempt', n: 2 }), {
    'x-delay-seconds': '2',
  });
  t.like(await get(id), { state: 'queued', attempts: [], completed_at: null, output: null });
  t.like(await inState(id, 'running'), { completed_at: null });
  const retrying = await inState(id, 'retrying');
  t.deepEqual(
    retrying.attempts.map(({ number, status }: JsonValue) => [number, status]),
    [[1, 'error']],
  );
  const over = await ended(id);
  t.like(over, { state: 'success', trigger: 'async', output: '{"results":[null,2]}', error: null });
  t.deepEqual(
    over.attempts.map(({ number, status }: JsonValue) => [number, status]),
    [
      [1, 'error'],
      [2, 'success'],
    ],
  );
  t.true(over.completed_at > over.created_at);
});

test('twenty concurrent calls with one Idempotency-Key are one invocation that runs once', async (t) => {
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

test('a call refused because the queue was full leaves its Idempotency-Key and its X-Request-ID free', async (t) => {
  const refusing = await cluster.web({ QUEUE_MAX_WAITING: '1' });
  const name = await deploy();
  const parked = await send(name, '{}', { 'x-delay-seconds': '600' });
  const key = { 'idempotency-key': `key-${name}`, 'x-request-id': crypto.randomUUID() };
  t.is((await refusing.api.invoke(name, '"first"', key)).status, 429);
  t.is((await api.invoke(name, '"second"', key)).status, 200);
  await api.delete(`/v1/invocations/${parked}`);
  await refusing.stop();
});

test('an error that another attempt cannot cure ends at once: exit codes 64 to 78', async (t) => {
  const name = await deploy({}, { retry_count: '2', retry_delay_seconds: '0' });
  const attempts = async (code: number) => {
    const reply = await api.invoke(name, commands({ op: 'exit', n: code }));
    t.is(reply.status, 500);
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
  // A fifth is left to chance, and a busy machine only adds.
  t.true(second - first >= 1500, `${second - first}`);
  t.true(third - second >= 3100, `${third - second}`);
});

test('on_failure and on_success get the envelope of the contract, one level deeper', async (t) => {
  const suffix = Math.random().toString(36).slice(2);
  const listener = await deploy({ triggers: [{ topic: `ends-${suffix}:>` }] });
  const name = await deploy({ on_success: `ends-${suffix}:ok`, on_failure: `ends-${suffix}:failed` });
  const good = await ended(await send(name, commands({ op: 'echo', a: 'fine' })));
  const bad = await ended(await send(name, commands({ op: 'exit', n: 65 })));
  const heard = await api.invoke(name, commands({ op: 'exit', n: 66 }));
  const large = await api.invoke(name, `"${'x'.repeat(65_600)}"`);
  const events = await received(listener, 4);
  const of = (id: string | null): JsonValue => events.find(({ data }) => data.request_id === id);

  t.deepEqual(of(good.request_id), {
    topic: `ends-${suffix}:ok`,
    namespace: 'default',
    trigger_depth: 1,
    timestamp: of(good.request_id).timestamp,
    data: {
      request_id: good.request_id,
      function: name,
      version: 1,
      trigger: 'async',
      status: 'success',
      error: null,
      attempts: 1,
      input: [{ op: 'echo', a: 'fine' }],
      output: { results: ['fine'] },
      completed_at: good.completed_at,
    },
  });
  t.deepEqual(of(bad.request_id).data, {
    request_id: bad.request_id,
    function: name,
    version: 1,
    trigger: 'async',
    status: 'dead',
    error: bad.error,
    attempts: 1,
    input: [{ op: 'exit', n: 65 }],
    output: null,
    completed_at: bad.completed_at,
  });
  t.like(of(heard.headers.get('x-request-id')).data, { status: 'error', trigger: 'http', output: null });
  t.like(of(large.headers.get('x-request-id')).data, { status: 'success', input: null, output: null });
});

test('a callback is POSTed again until it is answered with a 2xx, signed every time', async (t) => {
  const name = await deploy();
  const { secret } = (await api.get('/v1/auth/callback-secret')).json;
  const posts: { body: string; signature: unknown }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    posts.push({ body, signature: request.headers['x-orama-signature'] });
    response.writeHead(posts.length === 1 ? 503 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`;
  const id = await send(name, commands({ op: 'exit', n: 65 }), { 'x-callback-url': url });
  await eventually('two posts', async () => posts.length >= 2);
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
  const refused = await api.invoke(name, 'x', { ...ASYNC, 'x-callback-url': 'http://169.254.169.254/' });
  t.is(refused.status, 400);
});

test('one event fires a thousand triggers, each once', async (t) => {
  const TRIGGERS = 1000;
  const root = `wide-${Math.random().toString(36).slice(2)}`;
  const name = await deploy();
  // All of these patterns take the one topic: each segment is itself or a star.
  const segments = Array.from({ length: 10 }, (_, n) => `s${n}`);
  const topic = [root, ...segments].join(':');
  const patterns = Array.from({ length: TRIGGERS }, (_, n) =>
    [root, ...segments.map((segment, bit) => ((n >> bit) & 1 ? '*' : segment))].join(':'),
  );
  const listed = 100;
  const metadata = JSON.stringify({
    triggers: patterns.slice(0, listed).map((pattern) => ({ topic: pattern })),
  });
  t.is((await api.deploy(name, await probeWasm(), { metadata })).status, 201);
  for (let from = listed; from < TRIGGERS; from += 50) {
    const added = await Promise.all(
      patterns
        .slice(from, from + 50)
        .map((pattern) => api.post(`/v1/functions/${name}/triggers`, { topic: pattern })),
    );
    for (const { status, text } of added) t.is(status, 201, text);
  }
  t.is((await api.publish(topic, 'one for all')).status, 200);
  const records = await eventually('a thousand runs', async () => {
    const found = await loggedAttempts(api, name);
    return found.length >= TRIGGERS && found;
  });
  t.is(new Set(records.map((record) => record.request_id)).size, TRIGGERS);
  t.true(records.every(({ status }) => status === 'success'));
});

test('a function that publishes to its own topic stops at depth 5, and its log says so', async (t) => {
  const topic = `echo-${Math.random().toString(36).slice(2)}`;
  const name = await deploy({ triggers: [{ topic }] });
  // Each publishes what makes the next one publish, seven levels of it.
  let json: unknown = [];
  for (let level = 0; level < 7; level += 1) json = [{ op: 'publish', a: topic, json }];
  await api.publish(topic, json);
  const records = await eventually('all are logged, and the note', async () => {
    const found = await loggedAttempts(api, name);
    const messages = found.flatMap((record) => record.messages.map(({ message }) => message));
    return found.length >= 5 && messages.some((message) => /trigger depth of 5/.test(message)) && found;
  });
  t.is(records.length, 5);
  const listed = (await api.get(`/v1/invocations?function=${name}`)).json.invocations;
  t.deepEqual(listed.map((one: JsonValue) => one.trigger_depth).sort(), [1, 2, 3, 4, 5]);
});

test('a schedule with seconds fires, each tick once over two workers', async (t) => {
  const name = await deploy({ triggers: [{ cron: '*/2 * * * * *' }] });
  const ticks = await received(name, 3);
  await api.delete(`/v1/functions/${name}`);
  for (const tick of ticks) {
    t.like(tick, { cron: '*/2 * * * * *', namespace: 'default', trigger_depth: 1 });
    t.is(new Date(tick.scheduled_at).getUTCSeconds() % 2, 0);
    t.true(Math.abs(tick.timestamp * 1000 - Date.parse(tick.scheduled_at)) < 60_000);
  }
  t.is(new Set(ticks.map((tick) => tick.scheduled_at)).size, ticks.length);
});

test('a running invocation is cancelled in the process that runs it, and a call that waits hears it', async (t) => {
  const name = await deploy();
  const call = api.invoke(name, commands({ op: 'spin' }));
  const id = await eventually('it runs', async () => {
    const { json } = await api.get(`/v1/invocations?function=${name}&status=running`);
    return json.invocations[0]?.request_id as string | undefined;
  });
  t.deepEqual((await api.delete(`/v1/invocations/${id}`)).json, { request_id: id, state: 'cancelled' });
  t.is((await call).status, 499);
  t.is((await ended(id)).state, 'cancelled');
  t.is((await api.delete(`/v1/invocations/${id}`)).status, 409);
});

test('when a function is deleted its waiting jobs end cancelled, delayed ones too, and its log stays', async (t) => {
  const name = await deploy({ concurrency: 1 });
  await api.invoke(name, commands({ op: 'log', a: 'kept' }));
  const running = await send(name, commands({ op: 'sleep', n: 3000 }));
  await inState(running, 'running');
  const waiting = [
    await send(name, commands({ op: 'echo', a: 'never' })),
    await send(name, '{}', { 'x-delay-seconds': '600' }),
  ];
  t.is((await api.delete(`/v1/functions/${name}`)).status, 200);
  for (const id of waiting) t.like(await ended(id), { state: 'cancelled', attempts: [] });
  t.is((await ended(running)).state, 'success');
  t.true((await loggedAttempts(api, name)).some(({ messages }) => messages[0]?.message === 'kept'));
});

test('concurrency: 1 holds over two worker processes', async (t) => {
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

test('a full queue answers 429 with Retry-After and has accepted nothing', async (t) => {
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

test('when the client goes away the job runs on, and is dead when it fails', async (t) => {
  const name = await deploy();
  for (const [op, state] of [
    [{ op: 'exit', n: 1 }, 'dead'],
    [{ op: 'echo', a: 'done' }, 'success'],
  ] as const) {
    const id = crypto.randomUUID();
    const gone = new AbortController();
    const call = api.request('POST', `/v1/functions/${name}/invoke`, {
      headers: { 'x-request-id': id },
      body: commands({ op: 'sleep', n: 1500 }, op),
      signal: gone.signal,
    });
    await inState(id, 'running');
    gone.abort();
    t.is(await call.catch(() => 'cut off'), 'cut off');
    t.is((await ended(id)).state, state);
  }
});

test('a dead letter keeps the error and log of each attempt, and is replayed with its input', async (t) => {
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
  // The newest version is patient enough; the pinned one is not.
  await api.deploy(name, await probeWasm(), { retry_count: '3', retry_delay_seconds: '0' });
  const { json } = await api.post(`/v1/invocations/${id}/replay?version=newest`, {});
  t.like(await ended(json.request_id), {
    state: 'success',
    version: 2,
    trigger: 'replay',
    output: '{"results":[null,3]}',
  });
});
