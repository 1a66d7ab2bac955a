import test from 'ava';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();
type Minute = Record<string, number>;

test('stats count invocations per minute by status and the jobs waiting now, for the own namespace only', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const other = await aTenant(await engine());
  for (let call = 0; call < 3; call += 1) await api.invoke('probe', commands({ op: 'echo', a: 'x' }));
  await api.invoke('probe', commands({ op: 'exit', n: 3 }));
  const later = { prefer: 'respond-async', 'x-delay-seconds': '3600' };
  t.is((await api.invoke('probe', '[]', later)).status, 202);
  const stats = await until('all are counted', async () => {
    const { json } = await api.get('/v1/stats?window=10m');
    const total = json.per_minute.reduce((sum: number, one: Minute) => sum + (one.accepted ?? 0), 0);
    // A job leaves the queue shortly after its record can be read.
    return total === 4 && json.now.waiting === 0 && json.now.running === 0 && json;
  });
  t.is(stats.per_minute.length, 10);
  const sum = (name: string) =>
    stats.per_minute.reduce((all: number, one: Minute) => all + (one[name] ?? 0), 0);
  t.is(sum('success'), 3);
  t.is(sum('error'), 1);
  t.is(sum('dead'), 0);
  const busy = stats.per_minute.find((one: Minute) => (one.success ?? 0) > 0);
  t.true(busy.p50_ms > 0 && busy.p95_ms >= busy.p50_ms);
  t.deepEqual(stats.now, { waiting: 0, delayed: 1, running: 0, oldest_waiting_s: 0 });

  const strangers = (await other.get('/v1/stats')).json;
  t.is(strangers.per_minute.length, 60);
  t.true(strangers.per_minute.every((one: Minute) => one.accepted === 0 && one.p50_ms === null));
  t.is(strangers.now.delayed, 0);
  await api.deploy('idle', await probeWasm());
  const ofAnother = (await api.get('/v1/stats?function=idle')).json;
  t.true(ofAnother.per_minute.every((one: Minute) => one.accepted === 0));
});

test('an invalid stats window returns 400, and stats without a credential return 401', async (t) => {
  const api = await aTenant(await engine());
  for (const window of ['0m', '2d', 'soon', '1h30m']) {
    const reply = await api.get(`/v1/stats?window=${window}`);
    t.is(reply.status, 400, window);
    t.regex(reply.json.error, /window/);
  }
  t.is((await api.get('/v1/stats?window=1d')).json.per_minute.length, 1440);
  t.is((await (await engine()).api.as().get('/v1/stats')).status, 401);
});

test('a key limited to some functions gets the figures of these functions only', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  await tenant.deploy('hook-a', await probeWasm());
  const { json } = await tenant.post('/v1/auth/keys', { name: 'limited', functions: ['hook-*'] });
  const key = tenant.as(json.api_key);
  for (const name of ['probe', 'probe', 'hook-a']) await tenant.invoke(name, commands());
  const accepted = async (api: typeof key, query = '') =>
    (await api.get(`/v1/stats?window=10m${query}`)).json.per_minute.reduce(
      (sum: number, one: Minute) => sum + (one.accepted ?? 0),
      0,
    );
  await until('all are counted', async () => (await accepted(tenant)) === 3);
  t.is(await accepted(key), 1);
  t.is(await accepted(key, '&function=hook-a'), 1);
  const { json: own } = await key.get('/v1/stats?window=10m');
  t.truthy(own.per_minute.find((one: Minute) => one.accepted === 1)?.p95_ms);
  for (const name of ['probe', 'unknown']) {
    const refused = await key.get(`/v1/stats?function=${name}`);
    t.is(refused.status, 403, refused.text);
    t.is(refused.json.code, 'insufficient_scope');
  }
});
