import test from 'ava';
import { Redis } from 'ioredis';
import { openQueues } from '../../queues/open.js';
import { freePort } from '../helpers/free-port.js';
import { namespace, queued } from '../helpers/invocations.js';
import { startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

test('the queue, backlog and leases work on a Redis Cluster', async (t) => {
  const server = await startRedis([
    ...['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
    ...['--cluster-port', String(await freePort())],
  ]);
  t.teardown(() => server.close());
  const admin = new Redis(server.url);
  await admin.cluster('ADDSLOTSRANGE', 0, 16383);
  await until('the cluster is up', async () => (await admin.cluster('INFO')).includes('cluster_state:ok'));
  admin.disconnect();

  const queues = await openQueues({ driver: 'redis', url: server.url, maxWaiting: 50, maxBytes: 1 << 20 });
  t.teardown(() => queues.close());
  const jobs = Array.from({ length: 10 }, (_, i) => queued({ namespace: namespace(`n${i % 2}`) }));
  await queues.queue.add(jobs);
  t.is((await queues.queue.counts()).waiting, 10);
  t.is((await queues.queue.list(namespace('n1'), { limit: 10 })).items.length, 5);
  t.is(await queues.queue.cancel(jobs[0]?.invocation.id ?? queued().invocation.id), 'removed');
  const ran = new Set<string>();
  await queues.queue.consume(
    async ({ invocation }) => {
      ran.add(invocation.id);
      return { kind: 'done' };
    },
    { concurrency: 4 },
  );
  await until('all have run', () => ran.size === 9);
  await queues.backlog.push(['record']);
  t.is(await queues.backlog.drain(10, async () => {}), 1);
  t.truthy(await queues.leases.acquire('fn', 1));
  t.is(await queues.leases.acquire('fn', 1), null);
});
