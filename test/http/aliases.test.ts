import test from 'ava';
import { commands } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { sharedEngine } from './served.js';
import { versions, WHICH } from './versions.js';

const engine = sharedEngine();

test('name@alias selects the aliased version in calls and reads, and returns 404 after the alias is deleted', async (t) => {
  const { tenant, called, alias } = await versions(await engine(), 3);
  const put = await alias('beta', { version: 2 });
  t.is(put.status, 200);
  t.like(put.json, { alias: 'beta', function: 'fn', version: 2, weights: {} });
  t.deepEqual(await called('fn@beta'), ['v2', 2]);
  t.deepEqual(await called('fn'), ['v3', 3]);
  t.is((await tenant.get('/v1/functions/fn@beta')).json.version, 2);
  const { json } = await tenant.get('/v1/functions/fn/aliases');
  t.deepEqual(
    json.aliases.map((one: { alias: string }) => one.alias),
    ['beta'],
  );
  t.is((await tenant.delete('/v1/functions/fn/aliases/beta')).status, 200);
  t.is(await called('fn@beta'), 404);
  t.is((await tenant.delete('/v1/functions/fn/aliases/beta')).status, 404);
});

test('enqueue takes name@version and name@alias; an unknown one is logged and starts nothing', async (t) => {
  const { tenant, alias } = await versions(await engine(), 3);
  await alias('beta', { version: 2 });
  const refs = ['fn', 'fn@1', 'fn@beta', 'fn@9', 'fn@none', 'fn@newest', 'fn@'];
  const reply = await tenant.invoke(
    'fn',
    commands(...refs.map((a) => ({ op: 'enqueue', a, json: [], n: 600 }))),
  );
  const ids: string[] = reply.json.results;
  t.deepEqual(
    ids.map((id) => id !== ''),
    [true, true, true, false, false, false, false],
  );
  const started = await Promise.all(ids.slice(0, 3).map((id) => tenant.get(`/v1/invocations/${id}`)));
  t.deepEqual(
    started.map(({ json }) => [json.function, json.version]),
    [
      ['fn', 3],
      ['fn', 1],
      ['fn', 2],
    ],
  );
  const { logs } = await until('the log record', async () => {
    const { json } = await tenant.get(
      `/v1/functions/fn/logs?request_id=${reply.headers.get('x-request-id')}`,
    );
    return json.count > 0 && json;
  });
  t.is(logs[0].messages.length, 4, JSON.stringify(logs[0].messages));
});

test('an alias with an invalid name or invalid weights returns 400, with an unknown version 404', async (t) => {
  const { alias } = await versions(await engine(), 2);
  for (const name of ['newest', '2', '-x', 'a'.repeat(65)])
    t.is((await alias(name, { version: 1 })).status, 400, name);
  t.is((await alias('beta', { version: 9 })).status, 404);
  for (const weights of [{ 9: 10 }, { 1: 10 }])
    t.not((await alias('beta', { version: 1, weights })).status, 200);
  for (const weights of [{ 2: 0 }, { 2: 101 }, { 2: 1.5 }, { x: 10 }, { 2: '10' }]) {
    const { status, json } = await alias('beta', { version: 1, weights });
    t.is(status, 400, JSON.stringify(weights));
    t.regex(json.error, /weights/);
  }
  t.regex(
    (await alias('beta', { version: 1, weights: { x: 10 } })).json.error,
    /weights\.x must be named by/,
  );
  t.is((await alias('beta', { version: 1, extra: true })).status, 400);
});

test('calls and events without a version run the version of the alias live, or the newest without live', async (t) => {
  const { tenant, called, alias } = await versions(await engine(), 2, () => ({
    triggers: [{ topic: 'ping' }],
  }));
  await alias('live', { version: 1 });
  t.deepEqual(await called(), ['v1', 1]);
  await tenant.publish('ping', {});
  await until('the event has run', async () => {
    const { json } = await tenant.get('/v1/invocations?function=fn');
    const run = json.invocations.find((one: { trigger: string }) => one.trigger === 'pubsub');
    return run?.version === 1;
  });
  await tenant.delete('/v1/functions/fn/aliases/live');
  t.deepEqual(await called(), ['v2', 2]);
});

test('weights split calls between versions, and calls with the same X-Orama-Sticky value run one version', async (t) => {
  const { called, alias } = await versions(await engine(), 2);
  await alias('live', { version: 1, weights: { 2: 30 } });
  const drawn = new Map<string, number>();
  for (let round = 0; round < 4; round++) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => called()));
    for (const answer of answers) {
      const [version] = answer as [string, number];
      drawn.set(version, (drawn.get(version) ?? 0) + 1);
    }
  }
  // 400 draws at 30 %: 120 expected, with a standard deviation of 9.
  const share = drawn.get('v2') ?? 0;
  t.true(share > 70 && share < 170, `${share} of 400`);
  const sticky = { 'x-orama-sticky': 'customer 7' };
  const [first] = await Promise.all([called('fn', sticky)]);
  for (let n = 0; n < 10; n++) t.deepEqual(await called('fn', sticky), first);
});

test('requests to an HTTP function with weights run the same version if they come from one address or have one X-Orama-Sticky value', async (t) => {
  const http = { auth: 'none', methods: ['POST'] };
  const { tenant, alias } = await versions(await engine(), 2, () => ({ http }));
  await alias('live', { version: 1, weights: { 2: 50 } });
  const { functionsUrl } = await engine();
  const drawn = async (headersOf: (n: number) => Record<string, string>) => {
    const versions = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const init = { method: 'POST', body: WHICH, headers: headersOf(n) };
      versions.add(await (await fetch(`${functionsUrl}/${tenant.namespace}/fn`, init)).text());
    }
    return versions;
  };
  const ofAddress = await drawn(() => ({}));
  t.is(ofAddress.size, 1);
  t.regex([...ofAddress].join(), /"v[12]"/);
  t.is((await drawn(() => ({ 'x-orama-sticky': 'customer 7' }))).size, 1);
  // The draw is a hash of the value: of these twenty, both versions get some.
  t.is((await drawn((n) => ({ 'x-orama-sticky': `customer ${n}` }))).size, 2);
});

test('retries run the version that was chosen when the call was accepted, even if the alias changes', async (t) => {
  const { tenant, alias } = await versions(await engine(), 2);
  await alias('live', { version: 1, weights: { 2: 50 } });
  const { json } = await tenant.invoke('fn', commands({ op: 'exit', n: 1 }), { prefer: 'respond-async' });
  const read = () => tenant.get(`/v1/invocations/${json.request_id}`);
  const pinned = (await read()).json.version;
  await alias('live', { version: pinned === 1 ? 2 : 1 });
  await until('the invocation has ended', async () => (await read()).json.state === 'dead');
  t.is((await read()).json.version, pinned);
});
