import test from 'ava';
import type { Api, JsonValue } from '../helpers/api.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { ASYNC, ended, invoked } from './invoked.js';
import { aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

test('callers with a credential receive the output of a failed function; a refusal returns 422', async (t) => {
  const api = await aTenantWithProbe(await engine(), { is_public: 'true' });
  const refused = await api.invoke(
    'probe',
    commands({ op: 'stdout', a: 'no such user' }, { op: 'exit', n: 65 }),
  );
  t.is(refused.status, 422, refused.text);
  t.like(refused.json, { status: 'error', code: 'function_refused', output: 'no such user' });
  const failed = await api.invoke('probe', commands({ op: 'stdout', a: 'oh' }, { op: 'exit', n: 79 }));
  t.is(failed.status, 500);
  t.like(failed.json, { code: 'function_error', output: 'oh' });
  t.false('output' in (await api.invoke('probe', commands({ op: 'exit', n: 1 }))).json);

  const path = `/v1/invoke/${api.namespace}/probe`;
  const body = commands({ op: 'stdout', a: 'secret' }, { op: 'exit', n: 64 });
  const anonymous = await api.as().request('POST', path, { body });
  t.is(anonymous.status, 422);
  t.false('output' in anonymous.json);

  const key = { 'idempotency-key': 'one' };
  t.is((await api.invoke('probe', body, key)).status, 422);
  const again = await api.invoke('probe', body, key);
  t.is(again.status, 422);
  t.like(again.json, { code: 'function_refused', output: 'secret' });
});

test('logs and dead letters of an unknown function return 404; those of a deleted function remain', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const of = (name: string) => [
    api.get(`/v1/functions/${name}/logs`),
    api.get(`/v1/functions/${name}/logs?follow=true`),
    api.get(`/v1/invocations?function=${name}&status=dead`),
    api.post(`/v1/functions/${name}/dead/replay`, {}),
    api.delete(`/v1/functions/${name}/dead`),
  ];
  for (const reply of await Promise.all(of('nosuch'))) {
    t.is(reply.status, 404, reply.text);
    t.is(reply.json.code, 'function_not_found');
  }
  await api.delete('/v1/functions/probe');
  t.is((await api.get('/v1/functions/probe/logs')).status, 200);
  t.is((await api.get('/v1/invocations?function=probe&status=dead')).status, 200);
  t.is((await api.delete('/v1/functions/probe/dead')).status, 200);
});

test('an impossible date such as 2026-02-30 returns 400 in every time parameter', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const time of [
    '2026-02-30',
    '2026-02-30T00:00:00Z',
    '2025-02-29',
    '2026-04-31T01:00:00Z',
    '2026-13-01',
  ]) {
    t.is((await api.get(`/v1/functions/probe/logs?since=${time}`)).status, 400, time);
    t.is((await api.get(`/v1/invocations?since=${time}`)).status, 400, time);
    t.is((await api.get(`/v1/invocations?before=${time}`)).status, 400, time);
  }
  for (const time of ['2024-02-29', '2026-01-31T23:59:59.5Z', '2026-01-31T23:59%2B05:30']) {
    t.is((await api.get(`/v1/invocations?since=${time}`)).status, 200, time);
  }
});

test('dead letters can be replayed and purged by reason', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await invoked(api, commands({ op: 'exit', n: 1 }), ASYNC);
  const late = { ...ASYNC, 'x-delay-seconds': '2', 'x-max-age-seconds': '1' };
  const expired = await invoked(api, '[]', late);
  t.is(expired.state, 'dead');
  const dead = async (reason: string) =>
    (await api.get(`/v1/invocations?status=dead&reason=${reason}`)).json.count;
  t.deepEqual([await dead('error'), await dead('expired')], [1, 1]);
  t.is((await api.post('/v1/functions/probe/dead/replay?reason=timeout', {})).json.count, 0);
  t.is((await api.post('/v1/functions/probe/dead/replay?reason=expired', {})).json.count, 1);
  t.deepEqual([await dead('error'), await dead('expired')], [1, 0]);
  t.is((await api.delete('/v1/functions/probe/dead?reason=timeout')).json.count, 0);
  t.is((await api.delete('/v1/functions/probe/dead?reason=error')).json.count, 1);
  t.is(await dead('error'), 0);
  t.is((await api.delete('/v1/functions/probe/dead?reason=boredom')).status, 400);
});

test('a filter by reason lists only dead invocations, also after one of them was replayed', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const replayed = await invoked(api, commands({ op: 'exit', n: 1 }), ASYNC);
  const dead = await invoked(api, commands({ op: 'exit', n: 2 }), ASYNC);
  await invoked(api, commands({ op: 'echo', a: 'x' }));
  const path = '/v1/functions/probe/dead/replay';
  t.is((await api.post(`${path}?request_id=${replayed.request_id}`, {})).json.count, 1);
  const again = await until('the replay is dead too', async () => {
    const { invocations } = (await api.get(`/v1/invocations?parent_id=${replayed.request_id}`)).json;
    return invocations[0]?.state === 'dead' && invocations[0].request_id;
  });
  await api.invoke('probe', 'later', { ...ASYNC, 'x-delay-seconds': '600' });
  const listed = async (query: string) =>
    (await api.get(`/v1/invocations?reason=error${query}`)).json.invocations.map(
      (each: JsonValue) => each.request_id,
    );
  t.deepEqual((await listed('')).sort(), [again, dead.request_id].sort());
  t.deepEqual(await listed('&status=dead'), await listed(''));
  for (const state of ['queued', 'success', 'error'])
    t.deepEqual(await listed(`&status=${state}`), [], state);
});

test('dead letters are counted by function and reason, and can be replayed or purged by id', async (t) => {
  const api = await aTenantWithProbe(await engine());
  await api.deploy('other', await probeWasm());
  const die = async (n: number) => invoked(api, commands({ op: 'exit', n }), ASYNC);
  const letters = [await die(1), await die(2), await die(3)];
  const [one = '', two = '', three = ''] = letters.map(({ request_id: id }) => String(id));
  const expired = await api.invoke('other', '[]', {
    ...ASYNC,
    'x-delay-seconds': '2',
    'x-max-age-seconds': '1',
  });
  await ended(api, expired.json.request_id);
  const groups = async (as: Api = api) =>
    (await as.get('/v1/dead')).json.groups.map((each: JsonValue) => [each.function, each.reason, each.count]);
  await until('all of them', async () => (await api.get('/v1/dead')).json.count === 4);
  t.deepEqual(await groups(), [
    ['probe', 'error', 3],
    ['other', 'expired', 1],
  ]);
  const { json } = await api.get('/v1/dead');
  t.is(json.groups[0].oldest_at, letters[0].completed_at);
  t.is(json.groups[0].newest_at, letters[2].completed_at);
  const key = await api.post('/v1/auth/keys', { name: 'k', scopes: ['read'], functions: ['oth*'] });
  t.deepEqual(await groups(api.as(key.json.api_key)), [['other', 'expired', 1]]);

  const path = '/v1/functions/probe/dead';
  const purged = await api.delete(`${path}?request_id=${one},${expired.json.request_id}`);
  t.deepEqual([purged.status, purged.json], [200, { count: 1 }]);
  const replayed = await api.post(`${path}/replay?request_id=${one},${two}`, {});
  t.deepEqual([replayed.status, replayed.json], [202, { count: 1 }]);
  t.is((await api.post(`${path}/replay?request_id=${three}&reason=timeout`, {})).json.count, 0);
  t.is((await api.get(`/v1/invocations/${three}`)).json.state, 'dead');
  const again = await until('the replayed one', async () => {
    const { invocations } = (await api.get(`/v1/invocations?parent_id=${two}`)).json;
    return invocations[0]?.state === 'dead' && invocations[0];
  });
  const left = (await api.get('/v1/invocations?status=dead&function=probe')).json.invocations;
  t.deepEqual(left.map((each: JsonValue) => each.request_id).sort(), [three, again.request_id].sort());
  for (const wrong of ['no-id', '', `${one},`, Array(101).fill(one).join(',')]) {
    t.is((await api.delete(`${path}?request_id=${wrong}`)).status, 400, wrong);
  }
  t.is((await api.get('/v1/invocations?status=dead&function=probe')).json.count, 2);
});
