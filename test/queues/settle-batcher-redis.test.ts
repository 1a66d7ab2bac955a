import anyTest, { type TestFn } from 'ava';
import { Redis } from 'ioredis';
import { openQueues, type Queues } from '../../queues/open.js';
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

/** All jobs are in hand at once, and end in the same time when `end` is called. */
async function holdAll(queues: Queues) {
  const ids: string[] = [];
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
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

test('jobs that end together leave the queue in few commands', async (t) => {
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

test('a job that another worker has taken over stays where it is, and those that end with it leave', async (t) => {
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

test('adding jobs writes no event that nobody reads, and wakes the workers that wait', async (t) => {
  const { redis, queues } = t.context;
  await queues.queue.add(Array.from({ length: JOBS }, () => queued({})));
  t.is(await callsOf(redis, 'xadd'), 0);
  t.is(await redis.zcard(`${QUEUE}prioritized`), JOBS);
  t.is(await redis.zscore(`${QUEUE}marker`, '0'), '0');
});

test('jobs that end write no event that nobody reads, and are not asked for children that none has', async (t) => {
  const { redis, queues } = t.context;
  const { end, consumer } = await holdAll(queues);
  const before = await callsOf(redis, 'xadd');
  end();
  await allHaveLeft(redis);
  t.is(await callsOf(redis, 'xadd'), before);
  t.is(await callsOf(redis, 'scard'), 0);
  await consumer.close();
});
