import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { createIORedisClient } from 'bullmq';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { removeOldConsumers } from '../../queues/drivers/redis/backlog.js';
import { UsageIndex } from '../../queues/drivers/redis/usage-index.js';
import { UsageSweep } from '../../queues/drivers/redis/usage-sweep.js';
import { REBASE_AT } from '../../queues/fairness.js';
import { openQueues } from '../../queues/open.js';
import { hold } from '../helpers/consuming.js';
import { namespace, queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

interface Context {
  redis: Redis;
  usage: UsageIndex;
  sweep: UsageSweep;
  queues: Queues;
}
const { serial: test } = anyTest as TestFn<Context>;
let server: RedisServerProcess;
const LIMITS = { maxWaiting: 100, maxBytes: 1 << 20 };
const KEYS = { prefix: '{orama}:', usage: '{orama}:usage:' };
const QUEUE = `${KEYS.prefix}async:`;

test.before(async () => {
  server = await startRedis();
});
test.after.always(() => server.close());
test.beforeEach(async (t) => {
  const redis = new Redis(server.url);
  await redis.flushall();
  const deps = { connection: redis, client: createIORedisClient(redis), keys: KEYS, warn: () => {} };
  const usage = new UsageIndex(redis, deps.client, KEYS, deps.warn);
  const sweep = new UsageSweep({ ...deps, usage });
  t.context = {
    redis,
    usage,
    sweep,
    queues: await openQueues({ driver: 'redis', url: server.url, ...LIMITS }),
  };
});
test.afterEach.always(async (t) => {
  t.context.sweep.close();
  await t.context.usage.close();
  await t.context.queues.close();
  t.context.redis.disconnect();
});

test('a sweep removes jobs that are no longer in the queue from the usage index, and no others', async (t) => {
  const { redis, queues, sweep } = t.context;
  const jobs = Array.from({ length: 20 }, () => queued({ input: Buffer.from('12345') }));
  await queues.queue.add(jobs);
  // As if the workers of half of the jobs had been killed between completing them and removing them
  // from the index.
  for (const { invocation } of jobs.slice(0, 10)) {
    await redis
      .multi()
      .zrem(`${QUEUE}prioritized`, invocation.id)
      .del(QUEUE + invocation.id)
      .exec();
  }
  t.is((await queues.queue.counts()).bytes, 100);
  await sweep.run();
  t.like(await queues.queue.counts(), { bytes: 50, waiting: 10 });
  t.is((await queues.queue.list(namespace('default'), { limit: 50 })).items.length, 10);
});

test('an invocation whose data another program replaces, or whose job it finishes, is ended by a sweep', async (t) => {
  const { redis, queues, sweep } = t.context;
  const warnings: string[] = [];
  const worker = await openQueues({
    ...{ driver: 'redis', url: server.url, ...LIMITS },
    warn: (message) => void warnings.push(message),
  });
  t.teardown(() => worker.close());
  const [replaced, finished, kept] = [
    queued(),
    queued({}, { delayMs: 600_000 }),
    queued({}, { delayMs: 600_000 }),
  ];
  await queues.queue.add([replaced, finished, kept]);
  const { id } = replaced.invocation;
  await redis.hset(QUEUE + id, 'data', 'null');
  t.is(await queues.queue.get(id), null);
  await redis
    .multi()
    .zrem(`${QUEUE}delayed`, finished.invocation.id)
    .zadd(`${QUEUE}completed`, Date.now(), finished.invocation.id)
    .exec();
  const consumer = await worker.queue.consume(async () => ({ kind: 'done' }), { concurrency: 1 });
  t.teardown(() => consumer.close());
  await until('the job is refused', () => warnings.length === 1);

  const ended: string[] = [];
  sweep.onRemoved(async ({ invocation }) => {
    ended.push(invocation.id);
    return true;
  });
  await sweep.run();
  t.deepEqual(ended.toSorted(), [id, finished.invocation.id].toSorted());
  const { items } = await queues.queue.list(namespace('default'), { limit: 10 });
  t.deepEqual(
    items.map(({ invocation }) => invocation.id),
    [kept.invocation.id],
  );
  t.like(await queues.queue.counts(), { waiting: 1, bytes: kept.invocation.input.byteLength });
});

test('a sweep leaves a job to the process that cancels it, and ends it half a minute later if that died', async (t) => {
  const { redis, usage, queues, sweep } = t.context;
  const ended: string[] = [];
  sweep.onRemoved(async ({ invocation }) => {
    ended.push(invocation.id);
    return true;
  });
  const [cancelled, abandoned] = [queued(), queued()];
  await queues.queue.add([cancelled, abandoned]);
  await queues.queue.cancel(cancelled.invocation.id, () => sweep.run());
  t.deepEqual(ended, []);
  const { id: over, namespace: owner } = cancelled.invocation;
  await until('its entry is removed', async () => (await usage.findRemoved(owner, over)) === null);
  const { id } = abandoned.invocation;
  await queues.queue.cancel(id, async () => {
    const key = `{orama}:usage:cancelling:${id}`;
    const left = await redis.pttl(key);
    t.true(left > 20_000 && left <= 30_000, `${left}`);
    // As when it has expired.
    await redis.del(key);
    await sweep.run();
  });
  t.deepEqual(ended, [id]);
});

test('a sweep removes the records of processes that died over a day ago, and no younger ones', async (t) => {
  const { redis, sweep } = t.context;
  const hourMs = 3_600_000;
  await redis.hset('{orama}:running', {
    old: `${Date.now() - 25 * hourMs} job:0`,
    recent: `${Date.now() - 23 * hourMs} job:1`,
  });
  await sweep.run();
  t.deepEqual(await redis.hkeys('{orama}:running'), ['recent']);
});

test('a sweep removes consumers of the backlog that are idle for long and have no pending records', async (t) => {
  const { redis, sweep } = t.context;
  const [key, group] = ['{orama}:backlog', 'shippers'];
  const consumers = async () => {
    const found = (await redis.xinfo('CONSUMERS', key, group)) as string[][];
    return found.map((fields) => fields[1]).toSorted();
  };
  await sweep.run();
  await redis.xadd(key, '*', 'r', 'a record');
  await sweep.run();
  await redis.xgroup('CREATE', key, group, '0');
  await redis.xreadgroup('GROUP', group, 'has-a-record', 'COUNT', 1, 'STREAMS', key, '>');
  await redis.xgroup('CREATECONSUMER', key, group, 'gone');
  await delay(500);
  await redis.xgroup('CREATECONSUMER', key, group, 'recent');
  await sweep.run();
  t.deepEqual(await consumers(), ['gone', 'has-a-record', 'recent'], 'none is idle for a day');
  await removeOldConsumers(redis, 400);
  t.deepEqual(await consumers(), ['has-a-record', 'recent']);
});

test('an empty queue leaves no keys per job or namespace in Redis', async (t) => {
  const { redis, queues } = t.context;
  await queues.queue.add(Array.from({ length: 40 }, (_, i) => queued({ namespace: namespace(`n${i}`) })));
  const keysBefore = await redis.dbsize();
  const consumer = await queues.queue.consume(async () => ({ kind: 'done' }), { concurrency: 8 });
  await until('all jobs are done and not counted', async () => (await queues.queue.counts()).bytes === 0);
  await consumer.close();
  const keys = await redis.keys('*');
  t.true(keys.length < 15, keys.join(' '));
  t.true(keysBefore > 80);
  t.is(await redis.scard(`${KEYS.usage}namespaces`), 0);
});

test('virtual times are rebased before they overflow, and jobs keep their order', async (t) => {
  const { redis, queues } = t.context;
  const far = REBASE_AT + 1000;
  await redis.hset(`${KEYS.usage}clock`, 'async', far);
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
  t.true(Number(await redis.hget(`${KEYS.usage}clock`, 'async')) < 2000);
});

test('a process that ends a job of before a rebase causes no second rebase', async (t) => {
  const { redis, queues } = t.context;
  const other = await openQueues({ driver: 'redis', url: server.url, ...LIMITS });
  t.teardown(() => other.close());
  const clock = async () => Number(await redis.hget(`${KEYS.usage}clock`, 'async'));
  await redis.hset(`${KEYS.usage}clock`, 'async', REBASE_AT + 1000);
  const [here, there] = [await hold(queues), await hold(other)];
  t.teardown(() => [here, there].map(({ release }) => release()));
  await queues.queue.add([queued()]);
  await queues.queue.add([queued()]);
  await Promise.all([here.started(1), there.started(1)]);
  const delayed = queued({ input: Buffer.from('delayed') }, { delayMs: 600_000 });
  await queues.queue.add([delayed]);
  const priority = async () => Number(await redis.hget(QUEUE + delayed.invocation.id, 'priority'));
  const before = await priority();
  here.release();
  await until('the times have been rebased', async () => (await clock()) < REBASE_AT);
  there.release();
  await until('both have left', async () => (await queues.queue.counts()).bytes === 'delayed'.length);
  // A rebase would follow the command that removes the job from the index.
  await delay(200);
  t.is(await priority(), before - REBASE_AT);
  t.is(await clock(), 1000);
});

test('the clock follows later jobs after a job of before a rebase has ended', async (t) => {
  const { redis, queues } = t.context;
  const clock = async () => Number(await redis.hget(`${KEYS.usage}clock`, 'async'));
  const pass = async (jobs: number) => {
    await queues.queue.add(Array.from({ length: jobs }, () => queued()));
    await until('only the held job is left', async () => (await queues.queue.counts()).bytes === '{}'.length);
  };
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const long = queued();
  await queues.queue.consume(
    async ({ invocation }) => {
      if (invocation.id === long.invocation.id) await released;
      return { kind: 'done' };
    },
    { concurrency: 4 },
  );
  await redis.hset(`${KEYS.usage}clock`, 'async', REBASE_AT - 5);
  await queues.queue.add([long]);
  await pass(40);
  await until('the times have been rebased', async () => (await clock()) < REBASE_AT);
  release();
  await until('it has left', async () => (await queues.queue.counts()).bytes === 0);
  const before = await clock();
  await queues.queue.add(Array.from({ length: 40 }, () => queued()));
  await until('all have left', async () => (await queues.queue.counts()).bytes === 0);
  t.true((await clock()) > before + 5, `the clock was ${before} and is ${await clock()}`);
});

test('a job of a calm namespace runs early although two processes have added the backlog of another', async (t) => {
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
