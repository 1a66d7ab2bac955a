import test from 'ava';
import { startCluster } from '../helpers/cluster.js';

test('a Redis that may lose accepted jobs is warned of once per process and setting', async (t) => {
  const redisArgs = ['--appendonly', 'no', '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'];
  const cluster = await startCluster({}, {}, { redisArgs });
  t.teardown(cluster.close);
  for (const process of await Promise.all([cluster.web(), cluster.worker()])) {
    const lines = process.log().split('\n');
    for (const setting of [/maxmemory-policy of Redis is allkeys-lru/, /appendonly of Redis is no/]) {
      t.is(lines.filter((line) => setting.test(line)).length, 1, process.log());
    }
    // BullMQ's own line, which names no setting of ours.
    t.notRegex(process.log(), /IMPORTANT!/);
  }
});

test('a Redis that keeps what it has accepted is not warned of', async (t) => {
  const cluster = await startCluster({});
  t.teardown(cluster.close);
  const web = await cluster.web();
  t.notRegex(web.log(), /REDIS_URL/);
});
