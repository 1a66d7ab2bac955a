import test from 'ava';
import type { Api } from '../helpers/api.js';
import { startCluster } from '../helpers/cluster.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const SUCCESSES =
  'orama_attempt_duration_seconds_count{namespace="default",function="probe",status="success"}';
const DEAD = 'orama_invocations_ended_total{state="dead",reason="error"}';
const ASYNC = { prefer: 'respond-async' };

/** Returns values by name with labels, parsed from the text. */
async function figures(api: Api): Promise<Map<string, number>> {
  const { text } = await api.get('/metrics');
  const values = text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm);
  return new Map(Array.from(values, ([, name = '', value]) => [name, Number(value)]));
}

test('/metrics of a web process includes its workers and accounts for every accepted invocation', async (t) => {
  const cluster = await startCluster({ METRICS_SHARE_SECONDS: '1' });
  t.teardown(cluster.close);
  const [{ api }, ...workers] = await Promise.all([cluster.web(), cluster.worker(), cluster.worker()]);
  await api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  for (let n = 0; n < 5; n += 1) {
    await api.invoke(
      'probe',
      commands({ op: 'cache_incr', a: 'n', n: 1 }, { op: 'query', a: 'no SQL', b: '[]' }),
    );
  }
  await api.publish('work', []);
  await api.invoke('probe', commands({ op: 'exit', n: 65 }), ASYNC);
  await api.invoke('probe', '{}', { ...ASYNC, 'x-delay-seconds': '600' });

  const seen = await until('the figures of both workers', async () => {
    const found = await figures(api);
    const of = (state: string) => found.get(`orama_invocations{state="${state}"}`) ?? 0;
    // Workers publish their metrics every few seconds, each at a different time.
    const told = found.get(SUCCESSES) === 6 && found.has(DEAD);
    return of('done') === 6 && of('dead') === 1 && told && found;
  });
  const states = ['waiting', 'running', 'retrying', 'done', 'dead'].map((state) => [
    state,
    seen.get(`orama_invocations{state="${state}"}`),
  ]);
  t.deepEqual(states, [
    ['waiting', 1],
    ['running', 0],
    ['retrying', 0],
    ['done', 6],
    ['dead', 1],
  ]);
  t.is(seen.get('orama_invocations{state="accepted"}'), 8);
  t.is(seen.get('orama_invocations_accepted_total{trigger="http"}'), 5);
  t.is(seen.get('orama_invocations_accepted_total{trigger="pubsub"}'), 1);
  t.is(seen.get(DEAD), 1);
  t.is(seen.get('orama_queue_depth{state="waiting"}'), 1);
  t.is(
    seen.get('orama_dead_letters{reason="error",namespace="default"}') ??
      seen.get('orama_dead_letters{namespace="default",reason="error"}'),
    1,
  );
  t.is(seen.get('orama_host_calls_total{call="cache_incr",ok="true"}'), 5);
  t.is(seen.get('orama_host_calls_total{call="db_query",ok="false"}'), 5);
  t.true((seen.get('orama_pool_threads{state="all"}') ?? 0) >= 2);
  const runs = ['warm', 'fresh'].map((kind) => seen.get(`orama_guest_runs{kind="${kind}"}`) ?? 0);
  t.true((runs[0] ?? 0) + (runs[1] ?? 0) >= 7, String(runs));
  for (const name of [
    'orama_queue_oldest_seconds',
    'orama_warm_instances',
    'orama_thread_kills',
    'orama_guest_memory_megabytes',
    'orama_log_lag_seconds',
    'orama_log_pending_records',
    'orama_log_backlog_records',
    'process_resident_memory_bytes',
  ]) {
    t.true(seen.has(name), name);
  }

  // A web process has no threads, and one worker alone may later have more than both had before.
  await Promise.all(workers.map((worker) => worker.kill9()));
  await until('the figures of killed workers are left out', async () => {
    const found = await figures(api);
    return (found.get('orama_pool_threads{state="all"}') ?? 0) === 0;
  });
});

test('every accepted invocation is still counted after all processes are killed and restarted', async (t) => {
  const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '1' });
  t.teardown(cluster.close);
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  await web.api.deploy('probe', await probeWasm());
  const accepted = 40;
  const work = commands({ op: 'sleep', n: 300 }, { op: 'exit', n: 1 });
  await Promise.all(
    Array.from({ length: accepted }, (_, n) => web.api.invoke('probe', n % 2 ? work : '[]', ASYNC)),
  );
  const of = (found: Map<string, number>, state: string) =>
    found.get(`orama_invocations{state="${state}"}`) ?? 0;
  const before = await until('some have ended', async () => {
    const done = of(await figures(web.api), 'done');
    return done > 0 && done;
  });
  await Promise.all([web.kill9(), worker.kill9()]);

  const again = await cluster.web();
  const found = await figures(again.api);
  t.true(of(found, 'done') >= before);
  // Jobs that were running in the worker may have ended without having left the queue.
  t.true(of(found, 'accepted') >= accepted);
  await cluster.worker();
  const over = await until('all have ended', async () => {
    const found = await figures(again.api);
    return ['waiting', 'running', 'retrying'].every((state) => of(found, state) === 0) && found;
  });
  t.is(of(over, 'accepted'), accepted);
  t.true(of(over, 'dead') > 0);
  t.is(of(over, 'done') + of(over, 'dead'), accepted);
});
