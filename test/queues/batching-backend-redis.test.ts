import { isDeepStrictEqual } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import { createRedisBackend, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { openQueues } from '../../queues/open.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

interface Context {
  redis: Redis;
  queues: Queues;
}
const { serial: test } = anyTest as TestFn<Context>;
const LIMITS = { maxWaiting: 1000, maxBytes: 1 << 20 };
const QUEUE = '{orama}:async:';
const JOBS = 30;
let server: RedisServerProcess;

test.before(async () => {
  server = await startRedis();
});
test.after.always(() => server.close());
test.beforeEach(async (t) => {
  const redis = new Redis(server.url);
  await redis.flushall();
  await redis.config('RESETSTAT');
  t.context = { redis, queues: await openQueues({ driver: 'redis', url: server.url, ...LIMITS }) };
});
test.afterEach.always(async (t) => {
  await t.context.queues.close();
  t.context.redis.disconnect();
});

/** Consumes all jobs at once and ends them at the same time when `end` is called. */
async function holdAll(queues: Queues) {
  const ids: string[] = [];
  const { opened: ended, open: end } = closedGate();
  const consumer = await queues.queue.consume(
    async ({ invocation }) => {
      ids.push(invocation.id);
      await ended;
      return { kind: 'done' };
    },
    { concurrency: JOBS },
  );
  await queues.queue.add(Array.from({ length: JOBS }, () => queued({})));
  await until('all are in hand', () => ids.length === JOBS);
  return { ids, end, consumer };
}

const allHaveLeft = (redis: Redis) =>
  until('all have left', async () => (await redis.llen(`${QUEUE}active`)) === 0);

const callsOf = async (redis: Redis, command: string) =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info('commandstats'))?.[1] ?? 0);

test('30 jobs that end together are settled with at most 15 Redis commands', async (t) => {
  const { redis, queues } = t.context;
  const { end, consumer } = await holdAll(queues);
  const before = await callsOf(redis, 'evalsha');
  end();
  await allHaveLeft(redis);
  const calls = (await callsOf(redis, 'evalsha')) - before;
  t.true(calls <= JOBS / 2, `${calls} commands for ${JOBS} jobs`);
  t.is((await redis.keys(`${QUEUE}*-*-*-*-*`)).length, 0, 'no job is left');
  await consumer.close();
});

test('a job whose lock another worker holds stays active, and the jobs settled with it are removed', async (t) => {
  const { redis, queues } = t.context;
  const { ids, end, consumer } = await holdAll(queues);
  const [lost = ''] = ids;
  await redis.set(`${QUEUE}${lost}:lock`, 'another worker');
  end();
  await until('the others have left', async () => (await redis.llen(`${QUEUE}active`)) === 1);
  t.deepEqual(await redis.lrange(`${QUEUE}active`, 0, -1), [lost]);
  t.is(await redis.get(`${QUEUE}${lost}:lock`), 'another worker');
  await redis.del(`${QUEUE}${lost}:lock`);
  await consumer.close();
});

test('adding jobs writes no stream event and sets the marker that wakes waiting workers', async (t) => {
  const { redis, queues } = t.context;
  await queues.queue.add(Array.from({ length: JOBS }, () => queued({})));
  t.is(await callsOf(redis, 'xadd'), 0);
  t.is(await redis.zcard(`${QUEUE}prioritized`), JOBS);
  t.is(await redis.zscore(`${QUEUE}marker`, '0'), '0');
});

test('settling jobs writes no stream event and does not query child jobs', async (t) => {
  const { redis, queues } = t.context;
  const { end, consumer } = await holdAll(queues);
  const before = await callsOf(redis, 'xadd');
  end();
  await allHaveLeft(redis);
  t.is(await callsOf(redis, 'xadd'), before);
  t.is(await callsOf(redis, 'scard'), 0);
  await consumer.close();
});

test('a plain BullMQ queue reads the jobs in Redis, and a plain BullMQ worker runs the returned jobs', async (t) => {
  const { queues } = t.context;
  const retried = { attempts: 3, backoff: { type: 'fixed', delayMs: 60_000 } } as const;
  const [fails, holds, waits] = [queued({}, retried), queued(), queued()];
  const { opened: held, open: release } = closedGate();
  const consumer = await queues.queue.consume(
    async ({ invocation }) => {
      if (invocation.id === fails.invocation.id) return { kind: 'retry', error: 'boom' };
      await held;
      return { kind: 'done' };
    },
    { concurrency: 1 },
  );
  for (const job of [fails, holds, waits]) await queues.queue.add([job]);
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const tool = new Queue('async', { connection, prefix: '{orama}' }, createRedisBackend);
  // All at once, and repeatedly: a job that waits for long is now and then fetched for a reserved
  // slot and returned, which delays it for 100 ms.
  const [delayed] = await until('one job runs, one is delayed and one waits', async () => {
    const [counts, ...states] = await Promise.all([
      tool.getJobCounts('active', 'delayed', 'prioritized'),
      tool.getActive(),
      tool.getDelayed(),
      tool.getPrioritized(),
    ]);
    const expected = [holds, fails, waits].map(({ invocation }) => [invocation.id]);
    const isExpected =
      Object.values(counts).every((count) => count === 1) &&
      isDeepStrictEqual(
        states.map((jobs) => jobs.map(({ id }) => id)),
        expected,
      );
    return isExpected && states[1];
  });
  t.like(delayed, { name: 'hello', attemptsMade: 1, failedReason: 'boom', stacktrace: [] });
  const closed = consumer.close();
  release();
  await closed;
  await delayed?.promote();
  const ran: (string | undefined)[] = [];
  const worker = new Worker(
    'async',
    async ({ id }) => {
      ran.push(id);
    },
    { connection, prefix: '{orama}' },
    createRedisBackend,
  );
  await until('both have run', () => ran.length === 2);
  t.deepEqual(ran.toSorted(), [fails.invocation.id, waits.invocation.id].toSorted());
  await worker.close();
  await tool.close();
  connection.disconnect();
});
