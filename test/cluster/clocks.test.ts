import test from 'ava';
import { spawnRole, startCluster } from '../helpers/cluster.js';
import { gateServer } from '../helpers/gate-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const ASYNC = { prefer: 'respond-async' };

/**
 * Returns the settings of a process whose clock is shifted by `ms`, immediately or after SIGUSR2.
 */
function clock(ms: number, later = ''): { NODE_OPTIONS: string } {
  const preload = new URL('../helpers/shifted-clock.js', import.meta.url);
  preload.search = `?ms=${ms}${later}`;
  return { NODE_OPTIONS: `--import=${preload.href}` };
}

test('a process whose clock differs from Redis by 10 minutes exits with an error stating the offset', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  for (const [role, ms, how] of [
    ['worker', 600_000, '600 s ahead of'],
    ['worker', -600_000, '600 s behind'],
    ['web', 600_000, '600 s ahead of'],
  ] as const) {
    const { child, process: started } = spawnRole(role, {
      ORAMA_DATA_DIR: cluster.dataDir,
      REDIS_URL: cluster.redis.url,
      ...clock(ms),
    });
    t.is(await new Promise((resolve) => child.once('close', resolve)), 1);
    t.regex(started.log(), new RegExp(`The clock of this machine is ${how} that of Redis`));
    t.notRegex(started.log(), / at .*\.js:/);
  }
});

test('delays, max age, idempotency keys, schedules and takeovers work with clocks 4 s apart', async (t) => {
  const cluster = await startCluster({
    ...{ QUEUE_LOCK_SECONDS: '1', EGRESS_ALLOW: '127.0.0.1' },
    // A thread for each of the guests that wait.
    WORKER_PARKED: '16',
  });
  t.teardown(cluster.close);
  const gate = await gateServer(t);
  const [web, fast] = await Promise.all([
    cluster.web(clock(-2000)),
    cluster.worker(clock(2000)),
    cluster.worker(),
  ]);
  const deployed = await web.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ cron: '* * * * * *' }] }),
  });
  t.is(deployed.status, 201, deployed.text);
  const show = async (id: string) => (await web.api.get(`/v1/invocations/${id}`)).json;
  const send = async (input: string, headers = {}) =>
    (await web.api.invoke('probe', input, { ...ASYNC, ...headers })).json.request_id as string;
  const ended = (id: string) =>
    until('the invocation has ended', async () => {
      const now = await show(id);
      return now.completed_at && now;
    });

  t.is((await ended(await send('[]', { 'x-max-age-seconds': '60' }))).state, 'success');
  const delayed = await send('[]', { 'x-delay-seconds': '600' });
  const key = { 'idempotency-key': 'once' };
  const once = commands({ op: 'cache_incr', a: 'runs', n: 1 });
  for (let n = 0; n < 3; n += 1) t.deepEqual((await web.api.invoke('probe', once, key)).json.results, [1]);

  const ids = await Promise.all(Array.from({ length: 8 }, () => send(commands(gate.wait))));
  await until('the invocations run', () => gate.visitors() >= ids.length);
  await fast.kill9();
  gate.open();
  for (const id of ids) t.is((await ended(id)).state, 'success');

  const ticks = await until('three ticks have run', async () => {
    const { json } = await web.api.get('/v1/invocations?status=success&limit=100');
    const cron: { trigger: string; request_id: string }[] = json.invocations;
    const found = cron.filter(({ trigger }) => trigger === 'cron');
    return found.length > 2 && found;
  });
  const times = await Promise.all(
    ticks.map(async ({ request_id }) => JSON.parse((await show(request_id)).output).scheduled_at),
  );
  t.is(new Set(times).size, times.length, 'no tick runs twice');
  t.is((await show(delayed)).state, 'queued');
});

test('a worker whose clock jumps by 10 minutes shuts down gracefully and logs the offset', async (t) => {
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const [web, jumping] = await Promise.all([cluster.web(), cluster.worker(clock(600_000, '&later'))]);
  await web.api.deploy('probe', await probeWasm());
  t.is((await web.api.invoke('probe', commands({ op: 'echo', a: 'x' }))).status, 200);
  const ended = jumping.ended();
  process.kill(jumping.pid, 'SIGUSR2');
  t.is(await ended, 0);
  t.regex(jumping.log(), /600 s ahead of that of Redis/);
});
