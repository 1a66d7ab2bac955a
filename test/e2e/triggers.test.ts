import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { type Cluster, startCluster } from '../helpers/cluster.js';
import { deliveriesOver } from '../helpers/deliveries.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

let cluster: Cluster;
let api: Api;

/** One web and two workers with one Redis, for all tests of the file. */
test.before(async () => {
  cluster = await startCluster({ QUEUE_MAX_WAITING: '1100' });
  ({ api } = await cluster.web());
  await Promise.all([cluster.worker(), cluster.worker()]);
});
test.after.always(() => cluster?.close());

const { deploy, ended, send, received } = deliveriesOver(() => api);

test('one event fires 1,000 triggers once each', async (t) => {
  const TRIGGERS = 1000;
  const root = `wide-${Math.random().toString(36).slice(2)}`;
  const name = await deploy();
  // All these patterns match the topic: each segment is literal or a star.
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
  const records = await until('a thousand runs', async () => {
    const found = await loggedAttempts(api, name);
    return found.length >= TRIGGERS && found;
  });
  t.is(new Set(records.map((record) => record.request_id)).size, TRIGGERS);
  t.true(records.every(({ status }) => status === 'success'));
});

test('a function that publishes to its own topic stops at trigger depth 5, and its log states the limit', async (t) => {
  const topic = `echo-${Math.random().toString(36).slice(2)}`;
  const name = await deploy({ triggers: [{ topic }] });
  // Each message publishes the next one, seven levels deep.
  let json: unknown = [];
  for (let level = 0; level < 7; level += 1) json = [{ op: 'publish', a: topic, json }];
  await api.publish(topic, json);
  const records = await until('all are logged, and the note', async () => {
    const found = await loggedAttempts(api, name);
    const messages = found.flatMap((record) => record.messages.map(({ message }) => message));
    return found.length >= 5 && messages.some((message) => /trigger depth of 5/.test(message)) && found;
  });
  t.is(records.length, 5);
  const listed = (await api.get(`/v1/invocations?function=${name}`)).json.invocations;
  t.deepEqual(listed.map((one: JsonValue) => one.trigger_depth).sort(), [1, 2, 3, 4, 5]);
});

test('a schedule with seconds fires each tick once across two workers', async (t) => {
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

test('on_failure and on_success events have the documented envelope and a trigger_depth of 1', async (t) => {
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
