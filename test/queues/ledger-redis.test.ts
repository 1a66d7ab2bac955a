import anyTest, { type TestFn } from 'ava';
import { createIORedisClient } from 'bullmq';
import { Redis } from 'ioredis';
import { Ledger } from '../../queues/drivers/redis/ledger.js';
import { REBASE_AT } from '../../queues/fairness.js';
import { openQueues, type Queues } from '../../queues/open.js';
import { namespace, queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

interface Context {
  redis: Redis;
  ledger: Ledger;
  queues: Queues;
}
const test = anyTest.serial as unknown as TestFn<Context>;
let server: RedisServerProcess;
const LIMITS = { maxWaiting: 100, maxBytes: 1 << 20 };
const KEYS = { prefix: '{orama}:', ledger: '{orama}:ledger:' };
const QUEUE = `${KEYS.prefix}invocations:`;

test.before(async () => {
  server = await startRedis();
});
test.after.always(() => server.close());
test.beforeEach(async (t) => {
  const redis = new Redis(server.url);
  await redis.flushall();
  const ledger = new Ledger(redis, createIORedisClient(redis), KEYS, () => {});
  t.context = { redis, ledger, queues: await openQueues({ driver: 'redis', url: server.url, ...LIMITS }) };
});
test.afterEach.always(async (t) => {
  await t.context.ledger.close();
  await t.context.queues.close();
  t.context.redis.disconnect();
});

test('jobs that left the queue without being struck off are found by the sweep, others are left alone', async (t) => {
  const { redis, ledger, queues } = t.context;
  const jobs = Array.from({ length: 20 }, () => queued({ input: Buffer.from('12345') }));
  await queues.queue.add(jobs);
  // As if the workers of half of them had been killed between completing the job and striking it off.
  for (const { invocation } of jobs.slice(0, 10)) {
    await redis
      .multi()
      .zrem(`${QUEUE}prioritized`, invocation.id)
      .del(QUEUE + invocation.id)
      .exec();
  }
  t.is((await queues.queue.counts()).bytes, 100);
  await ledger.sweep();
  t.like(await queues.queue.counts(), { bytes: 50, waiting: 10 });
  t.is((await queues.queue.list(namespace('default'), { limit: 50 })).items.length, 10);
});

test('an empty queue leaves nothing in Redis that grows', async (t) => {
  const { redis, queues } = t.context;
  await queues.queue.add(Array.from({ length: 40 }, (_, i) => queued({ namespace: namespace(`n${i}`) })));
  const keysBefore = await redis.dbsize();
  const consumer = await queues.queue.consume(async () => ({ kind: 'done' }), { concurrency: 8 });
  await until('all jobs are done and struck off', async () => (await queues.queue.counts()).bytes === 0);
  await consumer.close();
  const keys = await redis.keys('*');
  t.true(keys.length < 15, keys.join(' '));
  t.true(keysBefore > 80);
  t.is(await redis.scard(`${KEYS.ledger}namespaces`), 0);
});

test('turns are counted anew before they run out, and the order stays', async (t) => {
  const { redis, queues } = t.context;
  const far = REBASE_AT + 1000;
  await redis.hset(`${KEYS.ledger}clock`, 'invocations', far);
  const first = queued({ namespace: namespace('busy') });
  await queues.queue.add([first]);
  const rest = Array.from({ length: 30 }, () => queued({ namespace: namespace('busy') }));
  await queues.queue.add(rest);
  t.true(Number(await redis.hget(QUEUE + first.invocation.id, 'priority')) > far);
  const order: string[] = [];
  let lastPriority = '';
  const consumer = await queues.queue.consume(
    async ({ invocation }) => {
      order.push(invocation.id);
      await new Promise((resolve) => setTimeout(resolve, 30));
      lastPriority = (await redis.hget(QUEUE + invocation.id, 'priority')) ?? '';
      return { kind: 'done' };
    },
    { concurrency: 1 },
  );
  await until('all have run', () => order.length === 31);
  await consumer.close();
  t.deepEqual(
    order,
    [first, ...rest].map((job) => job.invocation.id),
  );
  t.true(Number(lastPriority) < 2000, lastPriority);
  t.true(Number(await redis.hget(`${KEYS.ledger}clock`, 'invocations')) < 2000);
});

test('a namespace is fairly treated by a process that has not seen its backlog grow', async (t) => {
  const { queues } = t.context;
  const other = await openQueues({ driver: 'redis', url: server.url, ...LIMITS });
  t.teardown(() => other.close());
  await queues.queue.add(Array.from({ length: 60 }, () => queued({ namespace: namespace('busy') })));
  await other.queue.add(Array.from({ length: 20 }, () => queued({ namespace: namespace('busy') })));
  await other.queue.add([queued({ namespace: namespace('calm') })]);
  const order: string[] = [];
  await queues.queue.consume(
    async ({ invocation }) => {
      order.push(invocation.namespace);
      return { kind: 'done' };
    },
    { concurrency: 1 },
  );
  await until('all have run', () => order.length === 81);
  t.true(order.indexOf('calm') < 8, String(order.indexOf('calm')));
});
