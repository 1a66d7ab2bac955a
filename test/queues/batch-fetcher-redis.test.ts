import { availableParallelism } from 'node:os';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Redis } from 'ioredis';
import { KEEP_NOTHING } from '../../queues/driver.js';
import { closeRedis, RedisServer, whenReady } from '../../queues/drivers/redis/connect.js';
import { RedisDriver } from '../../queues/drivers/redis/driver.js';
import { type JobData, toJob } from '../../queues/jobs.js';
import { openQueues, type Queues } from '../../queues/open.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

interface Context {
  redis: Redis;
  /** Two processes' worth of queues on one server. */
  one: Queues;
  other: Queues;
}
const { serial: test } = anyTest as TestFn<Context>;
const LIMITS = { maxWaiting: 1000, maxBytes: 1 << 20 };
const SLOTS = 16;
const DONE: Settlement = { kind: 'done' };
let server: RedisServerProcess;

test.before(async () => {
  server = await startRedis();
});
test.after.always(() => server.close());
test.beforeEach(async (t) => {
  const redis = new Redis(server.url);
  await redis.flushall();
  const open = () => openQueues({ driver: 'redis', url: server.url, ...LIMITS });
  t.context = { redis, one: await open(), other: await open() };
});
test.afterEach.always(async (t) => {
  await Promise.all([t.context.one.close(), t.context.other.close()]);
  t.context.redis.disconnect();
});

const event = () => queued();
const call = () => queued({ replyTo: 'web-1' });
const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

const callsOf = async (redis: Redis, command: string) =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info('commandstats'))?.[1] ?? 0);

const allHaveLeft = ({ queue }: Queues) =>
  until('all have left', async () => (await queue.counts()).bytes === 0);

/** So many consumers wait, each for jobs of both kinds. */
const wait = (consumers: number, redis: Redis) =>
  until(`${consumers} wait`, async () =>
    (await redis.info('clients')).includes(`blocked_clients:${2 * consumers}\r`),
  );

/** What a consumer was handed. Until it is released, it keeps what it has been told to hold. */
async function consumerOf(t: ExecutionContext<Context>, { queue }: Queues, concurrency = SLOTS) {
  const taken: Delivery[] = [];
  let gate: ReturnType<typeof closedGate> | undefined;
  const consumer = await queue.consume(
    async (delivery) => {
      taken.push(delivery);
      await gate?.opened;
      return DONE;
    },
    { concurrency },
  );
  const release = () => gate?.open();
  t.teardown(release);
  return {
    taken,
    hold: () => {
      gate = closedGate();
    },
    release,
    close: () => consumer.close(),
  };
}

test('while jobs are quick, those that wait are taken many at a time', async (t) => {
  const { redis, one } = t.context;
  const consumer = await consumerOf(t, one);
  for (let count = 0; count < 5; count++) {
    await one.queue.add(times(40, event));
    await allHaveLeft(one);
  }
  consumer.hold();
  await redis.config('RESETSTAT');
  await one.queue.add(times(48, event));
  await until('all are taken', async () => (await one.queue.counts()).running === 48);
  // One to add them, two to take 48 and to hear that there are no more, and what was still under
  // way.
  const commands = await callsOf(redis, 'evalsha');
  t.true(commands < 10, `${commands} commands for 48 jobs`);
  consumer.release();
  await allHaveLeft(one);
});

test('a call is taken by the command that adds it, and nobody is woken to look for it', async (t) => {
  const { redis, one, other } = t.context;
  const [consumer, idle] = [await consumerOf(t, one), await consumerOf(t, other)];
  await wait(2, redis);
  const before = await callsOf(redis, 'bzpopmin');
  for (let count = 1; count <= 10; count++) {
    await one.queue.add([call()]);
    await until('it was taken', () => consumer.taken.length === count);
    await allHaveLeft(one);
  }
  t.is(await callsOf(redis, 'bzpopmin'), before);
  t.is(idle.taken.length, 0);
  t.true(
    consumer.taken.every(
      ({ attempt, crashes, redelivered }) => attempt === 1 && crashes + Number(redelivered) === 0,
    ),
  );
});

test('a process whose calls take long leaves others to a process that waits', async (t) => {
  const { one, other } = t.context;
  const consumers = [await consumerOf(t, one, 64), await consumerOf(t, other, 64)];
  for (const consumer of consumers) consumer.hold();
  const count = Math.min(48, 8 * availableParallelism());
  await one.queue.add(times(count, call));
  const taken = () => consumers.map((consumer) => consumer.taken.length);
  await until('all are taken', () => taken().reduce((sum, each) => sum + each) === count);
  t.true(
    taken().every((each) => each > 0),
    `taken by each: ${taken()}`,
  );
  for (const consumer of consumers) consumer.release();
  await allHaveLeft(one);
});

test('a call for which its process has no room is taken by one that waits, before that looks by itself', async (t) => {
  const { redis, one, other } = t.context;
  // The first has listened for longer than the second, so the marker comes to it, though it is busy
  // by then.
  const busy = await consumerOf(t, one, 1);
  await wait(1, redis);
  const waiting = await consumerOf(t, other, 1);
  await wait(2, redis);
  busy.hold();
  await one.queue.add([call(), call()]);
  await until('both have one', () => busy.taken.length === 1 && waiting.taken.length === 1, 3000);
  busy.release();
  await allHaveLeft(one);
  t.is(busy.taken.length + waiting.taken.length, 2);
});

test('a call taken for a consumer that closes just then is run by another, no attempt used', async (t) => {
  const { redis, one, other } = t.context;
  const [closing, next] = [await consumerOf(t, one), await consumerOf(t, other)];
  await wait(2, redis);
  const adding = one.queue.add([call()]);
  // Adds leave in a time of their own; this is the one behind.
  await new Promise((resolve) => setImmediate(resolve));
  const closed = closing.close();
  await adding;
  await closed;
  await until('it is taken by the other', () => next.taken.length === 1, 3000);
  t.is(closing.taken.length, 0);
  t.like(next.taken[0], { attempt: 1, crashes: 0, redelivered: true });
  await allHaveLeft(other);
});

test('calls taken for a worker that may take fewer by then go back, as it would not come to them for long', async (t) => {
  const { redis } = t.context;
  const reached = await RedisServer.reach(server.url);
  const connection = reached.commands();
  await whenReady(connection);
  const driver = await RedisDriver.open(reached, connection, LIMITS, () => {});
  const gate = closedGate();
  const processor = async () => {
    await gate.opened;
  };
  const worker = await driver.createWorker<JobData>('sync', processor, {
    concurrency: 1,
    lockDuration: 8000,
    ...KEEP_NOTHING,
  });
  await worker.waitUntilReady();
  worker.concurrency = 4;
  const adding = driver.add([times(4, () => toJob(call()))], new Map());
  worker.concurrency = 1;
  await adding;
  const waiting = () => redis.zcard('{orama}:sync:prioritized');
  await until('three have gone back', async () => (await waiting()) === 3);
  t.is(await redis.llen('{orama}:sync:active'), 1);
  gate.open();
  await until('all have run', async () => (await waiting()) === 0);
  await worker.close();
  await driver.close();
  await closeRedis(connection);
});
