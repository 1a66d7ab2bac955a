import test from 'ava';
import { QUOTA_NAMES } from '../../src/contract/quotas.js';
import type { Api, ApiReply } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { engine, isRefusal, setQuotas, untilRefused, usage } from './quota-engine.js';
import { aTenant, aTenantWithProbe } from './served.js';

/** Returns a custom section of a WASM module with about this many bytes. */
function customSection(bytes: number): Uint8Array {
  const section = new Uint8Array(6 + bytes);
  // Id 0, the size as LEB128 of five bytes, and an empty name.
  section.set([0, 0x80 | (bytes & 0x7f), 0x80 | ((bytes >> 7) & 0x7f), 0x80 | ((bytes >> 14) & 0x7f)]);
  section.set([0x80 | ((bytes >> 21) & 0x7f), bytes >> 28], 4);
  return section;
}

test('usage returns limit and use of every quota to the namespace and the admin; other keys get 403', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const shown = await usage(tenant);
  t.deepEqual(Object.keys(shown).sort(), [...QUOTA_NAMES].sort());
  t.is(shown.functions?.used, 1);
  t.is(shown.versions_per_function?.used, 1);
  t.is(shown.keys?.used, 1);
  t.true((shown.storage_mb?.used ?? 0) > 0);
  t.true((shown.requests_per_minute?.used ?? 0) >= 1);
  t.is(shown.secrets?.limit, 3);
  const byAdmin = await (await engine()).api.get(`/v1/namespaces/${tenant.namespace}/usage`);
  t.is(byAdmin.status, 200);
  const stranger = await (await aTenant(await engine())).get(`/v1/namespaces/${tenant.namespace}/usage`);
  t.is(stranger.status, 403);
  t.is((await (await engine()).api.as().get(`/v1/namespaces/${tenant.namespace}/usage`)).status, 401);
});

test('only the admin can set quotas, and null restores the default of a quota', async (t) => {
  const tenant = await aTenant(await engine());
  const path = `/v1/namespaces/${tenant.namespace}/quotas`;
  t.is((await tenant.put(path, { functions: 1_000_000 })).status, 403);
  const { api } = await engine();
  const set = await api.put(path, { functions: 7, cache_mb: 2 });
  t.is(set.json.quotas.functions.limit, 7);
  t.is((await usage(tenant)).cache_mb?.limit, 2);
  const back = await api.put(path, { functions: null });
  t.is(back.json.quotas.functions.limit, 500);
  t.is(back.json.quotas.cache_mb.limit, 2);
  for (const wrong of [{ chairs: 1 }, { functions: -1 }, { functions: 1.5 }, { functions: 'many' }]) {
    t.is((await api.put(path, wrong)).status, 400, JSON.stringify(wrong));
  }
});

test('creating more functions, versions, triggers, secrets or keys than a quota allows returns 413', async (t) => {
  const [tenant, other] = [await aTenantWithProbe(await engine()), await aTenantWithProbe(await engine())];
  await setQuotas(tenant, { functions: 2, triggers: 2, keys: 2, versions_per_function: 3 });
  const wasm = await probeWasm();
  const secret = (api: Api) => (time: number) =>
    api.put('/v1/functions/secrets', { name: `S${time}`, value: 'v' });
  const trigger = (api: Api) => (time: number) =>
    api.post('/v1/functions/probe/triggers', { topic: `t${time}` });
  const key = (api: Api) => () => api.post('/v1/auth/keys', { name: 'more' });
  t.true(isRefusal(await untilRefused((time) => tenant.deploy(`f${time}`, wasm), 5), 413, 'functions'));
  t.true(isRefusal(await untilRefused(trigger(tenant), 5), 413, 'triggers'));
  t.true(isRefusal(await untilRefused(secret(tenant), 5), 413, 'secrets'));
  t.true(isRefusal(await untilRefused(key(tenant), 5), 413, 'keys'));
  t.true(isRefusal(await untilRefused(() => tenant.deploy('probe', wasm), 5), 413, 'versions_per_function'));
  t.like(await usage(tenant), { functions: { used: 2 }, triggers: { used: 2 }, secrets: { used: 3 } });
  const full = await tenant.deploy('probe', wasm);
  t.regex(
    full.json.error,
    /move the alias live to it\. Versions go with their function only: delete the function and deploy it again/,
  );
  t.is((await tenant.delete('/v1/functions/probe')).status, 200);
  t.is((await tenant.deploy('probe', wasm)).json.function.version, 4);
  for (let n = 0; n < 2; n++) t.is((await tenant.deploy('probe', wasm)).status, 201);
  const rollback = await tenant.post('/v1/functions/probe/rollback', { version: 4 });
  t.true(isRefusal(rollback, 413, 'versions_per_function'));

  t.is((await other.deploy('another', wasm)).status, 201);
  t.is((await trigger(other)(0)).status, 201);
  t.is((await secret(other)(0)).status, 200);
  t.is((await key(other)()).status, 201);
});

test('a dry run of a deploy is refused by the quotas that would refuse the deploy, and uses up none', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const wasm = await probeWasm();
  const rehearse = (name: string, fields: Record<string, string> = {}) =>
    tenant.deploy(name, wasm, fields, '?dry_run=true');
  const topics = (...topics: string[]) => ({
    metadata: JSON.stringify({ triggers: topics.map((topic) => ({ topic })) }),
  });
  const larger = Buffer.concat([wasm, customSection(1 << 20)]);

  await setQuotas(tenant, { functions: 1, versions_per_function: 2, triggers: 1, storage_mb: 1 });
  for (let n = 0; n < 3; n++) t.is((await rehearse('probe', topics('a'))).status, 200);
  t.is((await usage(tenant)).versions_per_function?.used, 1);
  t.true(isRefusal(await rehearse('second'), 413, 'functions'));
  t.true(isRefusal(await rehearse('probe', topics('a', 'b')), 413, 'triggers'));
  t.true(isRefusal(await tenant.deploy('probe', larger, {}, '?dry_run=true'), 413, 'storage_mb'));
  t.is((await tenant.deploy('probe', wasm)).status, 201);
  t.true(isRefusal(await rehearse('probe'), 413, 'versions_per_function'));
  t.is((await usage(tenant)).versions_per_function?.used, 2);
});

test('concurrent creations do not exceed a quota', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await setQuotas(tenant, { functions: 3, triggers: 3, keys: 3, versions_per_function: 4 });
  const wasm = await probeWasm();
  const makers: Record<string, (n: number) => Promise<ApiReply>> = {
    functions: (n) => tenant.deploy(`f${n}`, wasm),
    versions_per_function: () => tenant.deploy('probe', wasm),
    triggers: (n) => tenant.post('/v1/functions/probe/triggers', { topic: `t${n}` }),
    secrets: (n) => tenant.put('/v1/functions/secrets', { name: `S${n}`, value: 'v' }),
    keys: (n) => tenant.post('/v1/auth/keys', { name: `k${n}` }),
  };
  for (const [quota, make] of Object.entries(makers)) {
    const replies = await Promise.all(Array.from({ length: 12 }, (_, n) => make(n)));
    const refused = replies.filter(({ status }) => status >= 400);
    t.true(refused.length > 0 && refused.every((reply) => isRefusal(reply, 413, quota)), quota);
    const { limit, used } = (await usage(tenant))[quota] ?? { limit: 0, used: -1 };
    t.is(used, limit, quota);
  }
});

test('inserts beyond database_mb fail over HTTP and in functions, and succeed again after a delete', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await setQuotas(tenant, { database_mb: 1 });
  const exec = (sql: string) => tenant.post('/v1/rqlite/exec', { sql, args: [] });
  t.is((await exec('create table t (a)')).status, 200);
  const insert = 'insert into t values (randomblob(100000))';
  const refused = await untilRefused(() => exec(insert), 20);
  t.true(isRefusal(refused, 413, 'database_mb'), refused.text);
  const used = (await usage(tenant)).database_mb?.used ?? 0;
  t.true(used > 0.5, String(used));
  const byFunction = await tenant.invoke('probe', commands({ op: 'execute', a: insert, b: '[]' }));
  t.deepEqual(byFunction.json.results, [-1]);
  const { logs } = await until('the log record', async () => {
    const { json } = await tenant.get(
      `/v1/functions/probe/logs?request_id=${byFunction.headers.get('x-request-id')}`,
    );
    return json.logs.length > 0 ? json : null;
  });
  t.regex(JSON.stringify(logs[0].messages), /database_mb.* of 1 MB/);
  t.is((await exec('delete from t')).status, 200);
  t.is((await exec(insert)).status, 200);
});

test('a schedule beyond schedule_runs_per_hour returns 429, added alone or with a deployment', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await setQuotas(tenant, { schedule_runs_per_hour: 100 });
  const add = (cron: string) => tenant.post('/v1/functions/probe/triggers', { cron });
  t.is((await add('* 3 1 1 *')).status, 201);
  t.is((await usage(tenant)).schedule_runs_per_hour?.used, 60);
  const refused = await add('* * * * * *');
  t.true(isRefusal(refused, 429, 'schedule_runs_per_hour'), refused.text);
  t.is((await add('0 4 1 1 *')).status, 201);
  const metadata = JSON.stringify({ triggers: [{ cron: '* 4 1 1 *' }] });
  const deployed = await tenant.deploy('probe', await probeWasm(), { metadata });
  t.true(isRefusal(deployed, 429, 'schedule_runs_per_hour'), deployed.text);
});

test('a rollback is refused by schedule_runs_per_hour like a deploy, and adds no version', async (t) => {
  const tenant = await aTenant(await engine());
  const wasm = await probeWasm();
  await setQuotas(tenant, { schedule_runs_per_hour: 100 });
  const metadata = JSON.stringify({ triggers: [{ cron: '* 4 1 1 *' }] });
  const rollback = (name: string) => tenant.post(`/v1/functions/${name}/rollback`, { version: 1 });
  for (const name of ['first', 'second']) {
    t.is((await tenant.deploy(name, wasm, { metadata })).status, 201);
    t.is((await tenant.deploy(name, wasm)).status, 201);
  }
  t.is((await rollback('first')).status, 201);
  const refused = await rollback('second');
  t.true(isRefusal(refused, 429, 'schedule_runs_per_hour'), refused.text);
  t.is((await tenant.get('/v1/functions/second/versions')).json.versions.length, 2);
  t.is((await usage(tenant)).schedule_runs_per_hour?.used, 60);
  t.is((await rollback('first')).status, 201, 'the number of runs stays the same');
});

test('a paused schedule that a deploy lists again stays paused and does not count', async (t) => {
  const tenant = await aTenant(await engine());
  const wasm = await probeWasm();
  await setQuotas(tenant, { schedule_runs_per_hour: 100 });
  const metadata = JSON.stringify({ triggers: [{ cron: '* 4 1 1 *' }] });
  t.is((await tenant.deploy('paused', wasm, { metadata })).status, 201);
  const [trigger] = (await tenant.get('/v1/functions/paused/triggers')).json.triggers;
  const enable = (enabled: boolean) =>
    tenant.request('PATCH', `/v1/functions/paused/triggers/${trigger.id}`, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ enabled }),
    });
  t.is((await enable(false)).status, 200);
  t.is((await tenant.post('/v1/functions/paused/triggers', { cron: '* 5 1 1 *' })).status, 201);
  t.is((await tenant.deploy('paused', wasm, { metadata })).status, 201);
  t.is((await usage(tenant)).schedule_runs_per_hour?.used, 60);
  t.true(isRefusal(await enable(true), 429, 'schedule_runs_per_hour'));
});
