import test from 'ava';
import { probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

async function tenant() {
  const api = await aTenantWithProbe(await engine());
  const add = async (spec: object) => (await api.post('/v1/functions/probe/triggers', spec)).json.trigger;
  const set = (id: string, enabled: unknown) =>
    api.request('PATCH', `/v1/functions/probe/triggers/${id}`, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ enabled }),
    });
  const runs = async (trigger: string) => {
    const { json } = await api.get('/v1/invocations?function=probe&limit=100');
    return json.invocations.filter((one: { trigger: string }) => one.trigger === trigger);
  };
  return { api, add, set, runs };
}

test('a disabled topic trigger does not fire, and fires again once it is enabled', async (t) => {
  const { api, add, set, runs } = await tenant();
  const trigger = await add({ topic: 'ping' });
  const disabled = await set(trigger.id, false);
  t.is(disabled.status, 200);
  t.like(disabled.json, { id: trigger.id, topic: 'ping', enabled: false });
  await api.publish('ping', 1);
  await set(trigger.id, true);
  await api.publish('ping', 2);
  await until('the second message has fired', async () => (await runs('pubsub')).length > 0);
  t.is((await runs('pubsub')).length, 1);
});

test('a disabled schedule has no next run and does not fire until it is enabled again', async (t) => {
  const { api, add, set, runs } = await tenant();
  const trigger = await add({ cron: '* * * * * *' });
  await until('the schedule fires', async () => (await runs('cron')).length > 0);
  // Another one of the same namespace, whose runs tell how often the first would have run.
  await api.deploy('other', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ cron: '* * * * * *' }] }),
  });
  const ticks = async (count: number) => {
    const runsOfOther = async () => (await api.get('/v1/invocations?function=other&limit=100')).json.count;
    const before = await runsOfOther();
    await until(`${count} ticks`, async () => (await runsOfOther()) >= before + count);
  };
  await ticks(1);
  t.is((await set(trigger.id, false)).json.next_run_at, null);
  const fired = (await runs('cron')).length;
  await ticks(2);
  const paused = (await runs('cron')).length;
  t.true(paused <= fired + 1, 'one may have been in progress');
  await ticks(2);
  t.is((await runs('cron')).length, paused);
  const { next_run_at: next } = (await set(trigger.id, true)).json;
  t.regex(next, /^\d{4}-.*:\d\d\.000Z$/);
  await until('the schedule fires again', async () => (await runs('cron')).length > paused);
});

test('POST run starts a schedule at once with the trigger cron, and returns 409 for a topic trigger', async (t) => {
  const { api, add } = await tenant();
  const trigger = await add({ cron: '0 0 1 1 *', timezone: 'Europe/Berlin' });
  const { status, json, headers } = await api.post(`/v1/functions/probe/triggers/${trigger.id}/run`, {});
  t.is(status, 202);
  t.is(headers.get('location'), `/v1/invocations/${json.request_id}`);
  const { request_id: id } = json;
  await until('the run', async () => (await api.get(`/v1/invocations/${id}`)).json.state === 'success');
  t.like((await api.get(`/v1/invocations/${id}`)).json, { trigger: 'cron', trigger_depth: 1 });
  const topic = await add({ topic: 'ping' });
  t.is((await api.post(`/v1/functions/probe/triggers/${topic.id}/run`, {})).status, 409);
});

test('a schedule with overlap: skip has at most one run at a time', async (t) => {
  const { api, runs } = await tenant();
  // The probe gives an envelope back at once; a schedule's runs overlap only when they take longer
  // than a second.
  await api.deploy('probe', await probeWasm(), {
    timeout_seconds: '3',
    metadata: JSON.stringify({
      env: { SLEEP_MS: '60000' },
      triggers: [{ cron: '* * * * * *', overlap: 'skip' }],
    }),
  });
  const { json } = await api.get('/v1/functions/probe/triggers');
  t.like(json.triggers, [{ cron: '* * * * * *', overlap: 'skip', catch_up: 'one' }]);
  await until('a run has ended', async () => {
    return (await runs('cron')).some((one: { state: string }) => one.state === 'dead');
  });
  const live = (await runs('cron')).filter(
    (one: { completed_at: string | null }) => one.completed_at === null,
  );
  t.true(live.length <= 1, `${live.length} at once`);
});

test('a trigger of function.yaml that is also added through the API stays after a deploy without it', async (t) => {
  const { api, add } = await tenant();
  const deploy = async (triggers: object[]) =>
    api.deploy('probe', await probeWasm(), { metadata: JSON.stringify({ triggers }) });
  const listed = [{ topic: 'a' }, { cron: '0 0 1 1 *' }];
  await deploy([...listed, { topic: 'b' }]);
  const added = [await add({ topic: 'a' }), await add({ cron: '0 0 1 1 *' })];
  const ids = async () =>
    (await api.get('/v1/functions/probe/triggers')).json.triggers.map((one: { id: string }) => one.id);
  const before: string[] = await ids();
  t.true(
    added.every(({ id }) => before.includes(id)),
    'adding what is listed returns the same trigger',
  );
  await deploy([]);
  t.deepEqual((await ids()).sort(), added.map(({ id }) => id).sort());
  await deploy(listed);
  await deploy([]);
  t.is((await ids()).length, 2, 'a deploy that lists them does not take them over');
});

test('invalid trigger settings return 400, and unknown triggers return 404', async (t) => {
  const { api, add, set } = await tenant();
  const trigger = await add({ topic: 'ping' });
  for (const enabled of ['yes', 1, null]) t.is((await set(trigger.id, enabled)).status, 400);
  t.is((await set('nothing', true)).status, 404);
  t.is((await api.post('/v1/functions/probe/triggers/nothing/run', {})).status, 404);
  t.is((await api.post('/v1/functions/probe/triggers', { topic: 'x', overlap: 'skip' })).status, 400);
  t.is((await api.post('/v1/functions/probe/triggers', { cron: '* * * * *', overlap: 'never' })).status, 400);
});

test('the next run of a schedule follows the daylight saving time of its time zone', async (t) => {
  const { api } = await tenant();
  const next = async (cron: string, timezone: string) => {
    const { json, status, text } = await api.post('/v1/functions/probe/triggers', { cron, timezone });
    t.is(status, 201, text);
    return new Date(json.trigger.next_run_at);
  };
  const utc = async (cron: string, timezone: string) =>
    (await next(cron, timezone)).toISOString().slice(5, 16);
  t.is(await utc('0 12 15 1 *', 'Europe/Berlin'), '01-15T11:00');
  t.is(await utc('0 12 15 7 *', 'Europe/Berlin'), '07-15T10:00');
  t.is(await utc('0 12 15 7 *', 'America/New_York'), '07-15T16:00');
  t.is(await utc('30 0 15 7 *', 'Asia/Kolkata'), '07-14T19:00');
  // 02:30 does not exist on the day on which clocks go forward: the schedule runs once the hour has
  // passed.
  const day = lastSundayOfMarch();
  const skipped = await next(`30 2 ${day.getUTCDate()} 3 *`, 'Europe/Berlin');
  t.is(skipped.toISOString().slice(0, 10), day.toISOString().slice(0, 10));
  t.true(skipped.getUTCHours() === 1, skipped.toISOString());
});

/** Returns the next one. */
function lastSundayOfMarch(): Date {
  const now = new Date();
  for (let year = now.getUTCFullYear(); ; year += 1) {
    const last = new Date(Date.UTC(year, 2, 31));
    last.setUTCDate(31 - last.getUTCDay());
    if (last > now) return last;
  }
}
