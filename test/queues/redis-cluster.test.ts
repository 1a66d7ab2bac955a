import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import type { Queues } from '../../queues/bull-queues.js';
import { openQueues } from '../../queues/open.js';
import { DEFAULT_TIMINGS } from '../../queues/timings.js';
import { backlogConformance } from '../conformance/backlog.js';
import { leasesConformance } from '../conformance/leases.js';
import { queueConformance } from '../conformance/queue.js';
import { limitsOf } from '../conformance/queue-admission.js';
import type { QueueContext } from '../conformance/queue-context.js';
import { schedulesConformance, TICK_RETRY_MS } from '../conformance/schedules.js';
import { tasksConformance } from '../conformance/tasks.js';
import { type RedisCluster, startRedisCluster } from '../helpers/redis-cluster.js';

const { serial: test } = anyTest as TestFn<QueueContext>;
let cluster: RedisCluster;

const open = (url = ''): Promise<Queues> =>
  openQueues({
    driver: 'redis',
    url,
    maxWaiting: 50,
    maxBytes: 1 << 20,
    limitsOf,
    timings: { ...DEFAULT_TIMINGS, tickRetryMs: TICK_RETRY_MS },
  });

test.before(async () => {
  cluster = await startRedisCluster();
});
test.after.always(() => cluster.close());

// The two processes use different nodes.
test.beforeEach(async (t) => {
  await cluster.flush();
  t.context = { queues: await open(cluster.urls[0]), other: await open(cluster.urls[1]) };
});
test.afterEach.always(async (t) => {
  await Promise.all([t.context.queues.close(), t.context.other.close()]);
});

queueConformance(test);

test('a consumer that is closed immediately after its start ends', async (t) => {
  for (let time = 0; time < 60; time++) {
    const consumer = await t.context.queues.queue.consume(async () => ({ kind: 'done' }), { concurrency: 1 });
    const closed = consumer.close().then(() => 'closed');
    t.is(await Promise.race([closed, delay(5000, 'hangs', { ref: false })]), 'closed', `time ${time}`);
  }
});

tasksConformance(test);
schedulesConformance(test);
backlogConformance(test, (context) => context.queues.backlog);
leasesConformance(test, (context) => [context.queues.leases, context.other.leases]);
