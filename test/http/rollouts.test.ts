import test from 'ava';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { type aTenant, sharedEngine } from './served.js';
import { connect } from './socket.js';
import { versions } from './versions.js';

type Tenant = Awaited<ReturnType<typeof aTenant>>;

const engine = sharedEngine();

test('a rollout rolls back when p95 latency exceeds max_p95_ms, and publishes the reason on orama:rollout', async (t) => {
  const { tenant, alias } = await versions(await engine(), 2);
  await alias('live', { version: 1 });
  const listener = await tenant.deploy('listener', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'orama:rollout' }] }),
  });
  t.is(listener.status, 201, listener.text);
  const request = { to: 2, steps: [99], every_seconds: 1, min_calls: 3, max_p95_ms: 20 };
  t.is((await tenant.post('/v1/functions/fn/rollout', request)).status, 202);
  const slow = commands({ op: 'sleep', n: 50 });
  await Promise.all(Array.from({ length: 12 }, () => tenant.invoke('fn', slow)));
  const ended = await until('the rollout has ended', async () => {
    const { json } = await tenant.get('/v1/functions/fn/rollout');
    return json.state !== 'running' && json;
  });
  t.like(ended, { state: 'rolled_back', percent: 0, errors: 0 });
  t.regex(ended.reason, /95th percentile is [\d.]+ ms; at most 20 ms are allowed/);
  const told = await until('the listener has run', async () => {
    const { json } = await tenant.get('/v1/invocations?function=listener');
    return json.invocations[0];
  });
  const { json } = await tenant.get(`/v1/invocations/${told.request_id}`);
  const event = JSON.parse(json.input ?? 'null');
  t.is(event.topic, 'orama:rollout');
  t.like(event.data, { function: 'fn', to: 2, from: 1, state: 'rolled_back', reason: ended.reason });
});

test('a rollout rolls back at max_error_percent: of 10,000 calls at most 2 % fail, and all counters agree', async (t) => {
  t.timeout(300_000);
  const CALLS = 10_000;
  const MAX_ERROR_PERCENT = 2;
  const { tenant, called } = await versions(await engine(), 1);
  const metadata = JSON.stringify({ env: { WHICH: 'bad' } });
  const bad = await tenant.deploy('fn', await probeWasm(), { metadata });
  t.is(bad.json.function.version, 2);
  const started = await tenant.post('/v1/functions/fn/rollout', {
    to: 2,
    steps: [5, 25, 50],
    every_seconds: 1,
    max_error_percent: MAX_ERROR_PERCENT,
    min_calls: 20,
  });
  t.is(started.status, 202);
  t.like(started.json, { to: 2, from: 1, state: 'running', percent: 5 });
  t.is((await tenant.post('/v1/functions/fn/rollout', { to: 2 })).status, 409);

  const failing = commands({ op: 'exit_if_env', a: 'WHICH', b: 'bad' });
  const replies = await callOverSocket(tenant, failing, CALLS);
  const failed = replies.filter((status) => status === 'error').length;
  t.is(replies.filter((status) => status === 'success').length, CALLS - failed);
  t.true(failed >= 20, `${failed} failed`);
  t.true(failed <= (CALLS * MAX_ERROR_PERCENT) / 100, `${failed} of ${CALLS} failed`);

  const { json } = await tenant.get('/v1/functions/fn/rollout');
  t.like(json, { state: 'rolled_back', percent: 0 });
  // The version always fails, so its calls equal its errors. Calls that ended after the decision
  // are not included.
  t.is(json.errors, json.calls);
  t.true(json.calls >= 20 && json.calls <= failed, `${json.calls} of ${failed}`);
  t.regex(json.reason, /calls failed/);
  const { aliases } = (await tenant.get('/v1/functions/fn/aliases')).json;
  t.like(aliases, [{ alias: 'live', version: 1, weights: {} }]);
  const totals = await until('all are counted', async () => {
    const { json: stats } = await tenant.get('/v1/stats?window=1h&function=fn');
    const sum = (name: string) =>
      stats.per_minute.reduce((all: number, one: Record<string, number>) => all + (one[name] ?? 0), 0);
    return sum('accepted') === CALLS && { success: sum('success'), error: sum('error') };
  });
  t.deepEqual(totals, { success: CALLS - failed, error: failed });
  const ofBad = await countInvocations(tenant, '/v1/invocations?function=fn&status=error');
  t.deepEqual(ofBad, { count: failed, versions: [2] });
  t.deepEqual(await called(), ['v1', 1]);
});

/** Calls the function over one socket, 64 at a time. Returns how each ended. */
async function callOverSocket(tenant: Tenant, input: string, calls: number): Promise<string[]> {
  const { ws } = await connect(tenant.url, '/v1/functions/fn/ws', { 'x-api-key': tenant.key });
  const statuses: string[] = [];
  let sent = 0;
  await new Promise<void>((resolve, reject) => {
    const send = () => {
      if (sent === calls) return;
      sent += 1;
      ws.send(input);
    };
    ws.on('close', () => reject(new Error('the socket was closed')));
    ws.on('message', (data) => {
      statuses.push(JSON.parse(String(data)).status);
      if (statuses.length === calls) resolve();
      else send();
    });
    for (let n = 0; n < 64; n++) send();
  });
  ws.terminate();
  return statuses;
}

/** Counts the invocations on all pages by version. */
async function countInvocations(tenant: Tenant, path: string) {
  const versions = new Set<number>();
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const at: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { json } = await tenant.get(`${path}&limit=500${at}`);
    for (const { version } of json.invocations) versions.add(version);
    count += json.count;
    cursor = json.next_cursor;
  }
  return { count, versions: [...versions] };
}

test('a rollout without errors completes, and all calls then run the new version', async (t) => {
  const { tenant, called } = await versions(await engine(), 2);
  await tenant.post('/v1/functions/fn/rollout', { to: 2, steps: [50], every_seconds: 1, min_calls: 1 });
  await until('the rollout has ended', async () => {
    await Promise.all(Array.from({ length: 10 }, () => called()));
    return (await tenant.get('/v1/functions/fn/rollout')).json.state === 'completed';
  });
  t.deepEqual(await called(), ['v2', 2]);
});

test('aborting a rollout returns all calls to the old version; aborting an ended rollout returns 409', async (t) => {
  const { tenant, called } = await versions(await engine(), 2);
  await tenant.post('/v1/functions/fn/rollout', { to: 2, steps: [100], every_seconds: 3600 });
  const aborted = await tenant.delete('/v1/functions/fn/rollout');
  t.is(aborted.status, 200);
  t.like(aborted.json, { state: 'aborted', percent: 0 });
  for (let n = 0; n < 5; n++) t.deepEqual(await called(), ['v1', 1]);
  t.is((await tenant.delete('/v1/functions/fn/rollout')).status, 409);
});

test('a rollout to an older version that made the alias live removes it when it goes back', async (t) => {
  const { tenant, called } = await versions(await engine(), 2);
  const aliases = async () => (await tenant.get('/v1/functions/fn/aliases')).json.aliases;
  await tenant.post('/v1/functions/fn/rollout', { to: 1, steps: [100], every_seconds: 3600 });
  t.deepEqual(await called(), ['v1', 1]);
  t.like((await tenant.delete('/v1/functions/fn/rollout')).json, { state: 'aborted', from: 2, percent: 0 });
  t.deepEqual(await aliases(), []);
  t.deepEqual(await called(), ['v2', 2]);

  const failing = { to: 1, steps: [100], every_seconds: 3600, min_calls: 1, max_error_percent: 1 };
  await tenant.post('/v1/functions/fn/rollout', failing);
  await tenant.invoke('fn', commands({ op: 'exit', n: 3 }));
  await until('the rollout is rolled back', async () => {
    return (await tenant.get('/v1/functions/fn/rollout')).json.state === 'rolled_back';
  });
  t.deepEqual(await aliases(), []);
  await tenant.deploy('fn', await probeWasm(), { metadata: JSON.stringify({ env: { WHICH: 'v3' } }) });
  t.deepEqual(await called(), ['v3', 3], 'deploys are live at once again');
});

test('a rollout that goes back does not make a version live that was deployed meanwhile', async (t) => {
  const { tenant, called } = await versions(await engine(), 2);
  await tenant.post('/v1/functions/fn/rollout', { to: 1, steps: [100], every_seconds: 3600 });
  await tenant.deploy('fn', await probeWasm(), { metadata: JSON.stringify({ env: { WHICH: 'v3' } }) });
  await tenant.delete('/v1/functions/fn/rollout');
  t.like((await tenant.get('/v1/functions/fn/aliases')).json.aliases, [
    { alias: 'live', version: 2, weights: {} },
  ]);
  t.deepEqual(await called(), ['v2', 2]);
});

test('a rollout that goes back leaves an alias live that existed before it', async (t) => {
  const { tenant, alias, called } = await versions(await engine(), 2);
  await alias('live', { version: 2 });
  await tenant.post('/v1/functions/fn/rollout', { to: 1, steps: [50], every_seconds: 3600 });
  await tenant.delete('/v1/functions/fn/rollout');
  t.like((await tenant.get('/v1/functions/fn/aliases')).json.aliases, [
    { alias: 'live', version: 2, weights: {} },
  ]);
  t.deepEqual(await called(), ['v2', 2]);
});

test('a rollout from a split live returns 409; one from a live that gives all calls to one version returns there', async (t) => {
  const { tenant, alias, called } = await versions(await engine(), 3);
  const start = (to: number) =>
    tenant.post('/v1/functions/fn/rollout', { to, steps: [5], every_seconds: 3600 });
  await alias('live', { version: 1, weights: { 2: 40 } });
  for (const to of [1, 2, 3]) {
    const refused = await start(to);
    t.is(refused.status, 409);
    t.is(refused.json.code, 'conflict');
    t.regex(refused.json.error, /orama function alias set fn live <version>/);
  }
  await alias('live', { version: 1, weights: { 2: 100 } });
  t.is((await start(2)).status, 409, 'it is live already');
  t.like((await start(3)).json, { from: 2, to: 3 });
  t.like((await tenant.get('/v1/functions/fn/aliases')).json.aliases, [{ version: 2, weights: { 3: 5 } }]);
  await tenant.delete('/v1/functions/fn/rollout');
  t.deepEqual(await called(), ['v2', 2]);
});
