import test from 'ava';
import { Redis } from 'ioredis';
import { startCluster } from '../helpers/cluster.js';
import { httpServer } from '../helpers/http-server.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const DELAY_S = 3;

test('a failed attempt whose worker dies before its retry is on the queue is not run twice', async (t) => {
  // Keeps the guest running until Redis refuses writes.
  let respond = () => {};
  let asked = 0;
  const slow = await httpServer((_request, response) => {
    asked += 1;
    if (asked > 1) response.end();
    else respond = () => response.end();
  });
  t.teardown(slow.close);
  const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '2', EGRESS_ALLOW: '127.0.0.1' });
  t.teardown(cluster.close);
  const redis = new Redis(cluster.redis.url);
  t.teardown(() => redis.disconnect());
  const [web, worker] = await Promise.all([cluster.web(), cluster.worker()]);
  await web.api.deploy('probe', await probeWasm(), {
    retry_count: '1',
    retry_delay_seconds: String(DELAY_S),
  });
  const input = commands({ op: 'fetch', a: 'GET', b: slow.url }, { op: 'exit', n: 1 });
  const { json } = await web.api.invoke('probe', input, { prefer: 'respond-async' });
  const show = async () => (await web.api.get(`/v1/invocations/${json.request_id}`)).json;
  await until('the guest runs', () => asked === 1);
  // From now on Redis takes no writes, as with a full disk: there is no replica.
  await redis.config('SET', 'min-replicas-to-write', '1');
  respond();
  await until('the failed attempt is recorded', async () => (await show()).attempts?.[0]?.status === 'error');
  await worker.kill9();
  await redis.config('SET', 'min-replicas-to-write', '0');
  const restoredAt = Date.now();
  await cluster.worker();
  const dead = await until('the invocation has ended', async () => {
    const now = await show();
    return now.completed_at && now;
  });
  t.is(dead.state, 'dead');
  t.is(asked, 2, JSON.stringify(dead.attempts));
  t.deepEqual(
    dead.attempts.map(({ number, error }: Record<string, unknown>) => [number, error]),
    [
      [1, 'exited with code 1'],
      [2, 'worker died'],
      [3, 'exited with code 1'],
    ],
  );
  const waited = Date.parse(dead.attempts[2].started_at) - restoredAt;
  t.true(waited >= DELAY_S * 1000, `the retry began after ${waited} ms`);
});
