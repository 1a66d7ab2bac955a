import test from 'ava';
import { spawnRole, startCluster } from '../helpers/cluster.js';
import { loggedAttempts } from '../helpers/logged.js';
import { commands, probeWasm } from '../helpers/probe.js';
import { until } from '../helpers/until.js';

const EVENTS = 64;
const LARGE = 'x'.repeat(700_000);

test('a worker that runs out of heap memory exits with an error, and another runs all published events', async (t) => {
  const cluster = await startCluster({ QUEUE_LOCK_SECONDS: '3' });
  t.teardown(cluster.close);
  const web = await cluster.web();
  await web.api.deploy('probe', await probeWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'work' }] }),
  });
  for (let n = 0; n < EVENTS; n += 1) {
    const { status, text } = await web.api.publish('work', [
      { op: 'log', a: `event ${n}` },
      { op: 'echo', a: LARGE },
    ]);
    t.is(status, 200, text);
  }
  // Each job is small, but the inputs, outputs and rows of all prefetched jobs exceed the memory.
  const { process: small } = spawnRole('worker', {
    ORAMA_DATA_DIR: cluster.dataDir,
    REDIS_URL: cluster.redis.url,
    NODE_OPTIONS: '--max-old-space-size=40',
    QUEUE_LOCK_SECONDS: '3',
  });
  t.teardown(small.kill9);
  t.not(await small.ended(), 0);
  t.regex(small.log(), /heap out of memory/);

  await cluster.worker();
  await until(
    'all events have run',
    async () => {
      const records = await loggedAttempts(web.api, 'probe', '&status=success');
      return new Set(records.map(({ messages }) => messages[0]?.message)).size === EVENTS;
    },
    200_000,
  );
  const echo = await web.api.invoke('probe', commands({ op: 'echo', a: 'x' }));
  t.is(echo.status, 200);
});
