import { availableParallelism } from 'node:os';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { RedisDriver } from '../../queues/drivers/redis/driver.js';
import { toJob } from '../../queues/job-codec.js';
import { JobSettler } from '../../queues/job-settler.js';
import { openQueues } from '../../queues/open.js';
import { RunLoop } from '../../queues/run-loop.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import { closeRedis } from '../../src/redis/connection.js';
import { RedisServer } from '../../src/redis/server.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

interface Context {
  redis: Redis;
  /** Queues for two processes on one server. */
  one: Queues;
  other: Queues;
}
const { serial: test } = anyTest as TestFn<Context>;
const LIMITS = { maxWaiting: 1000, maxBytes: 1 << 20 };
/** Arguments of an add: no limits of namespaces, and no time when it is too late. */
const UNLIMITED = [new Map(), Number.POSITIVE_INFINITY] as const;
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

/** Waits until this number of consumers is blocked, each for jobs of both kinds. */
const wait = (consumers: number, redis: Redis) =>
  until(`${consumers} wait`, async () =>
    (await redis.info('clients')).includes(`blocked_clients:${2 * consumers}\r`),
  );

/** Starts a consumer that records its deliveries. It keeps jobs while it is told to hold them. */
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

test('while jobs are quick, 48 waiting jobs are fetched with fewer than 10 Redis commands', async (t) => {
  const { redis, one } = t.context;
  const consumer = await consumerOf(t, one);
  const allAreTaken = () =>
    until('all are taken', async () => (await one.queue.counts()).running === 48, 10_000);
  // A job that a busy machine delays is not quick.
  for (let time = 0; time < 5; time++) {
    consumer.release();
    await allHaveLeft(one);
    for (let count = 0; count < 5; count++) {
      await one.queue.add(times(40, event));
      await allHaveLeft(one);
    }
    consumer.hold();
    await redis.config('RESETSTAT');
    await one.queue.add(times(48, event));
    if (await succeeds(allAreTaken())) break;
  }
  await allAreTaken();
  // One command to add, two to take 48 jobs and to learn that there are no more, and commands still
  // in progress.
  const commands = await callsOf(redis, 'evalsha');
  t.true(commands < 10, `${commands} commands for 48 jobs`);
  consumer.release();
  await allHaveLeft(one);
});

test('the add command also fetches the sync job for a consumer of its process and wakes no other worker', async (t) => {
  const { redis, one, other } = t.context;
  const [consumer, idle] = [await consumerOf(t, one), await consumerOf(t, other)];
  await wait(2, redis);
  // Consumers that have waited for some seconds wait anew. If an add woke another worker, each
  // would.
  const woken: number[] = [];
  while (woken.length < 10 && woken.at(-1) !== 0) {
    const [before, taken] = [await callsOf(redis, 'bzpopmin'), consumer.taken.length];
    for (let count = 1; count <= 10; count++) {
      await one.queue.add([call()]);
      await until('the job was fetched', () => consumer.taken.length === taken + count);
      await allHaveLeft(one);
    }
    woken.push((await callsOf(redis, 'bzpopmin')) - before);
  }
  t.is(woken.at(-1), 0, woken.join());
  t.is(idle.taken.length, 0);
  t.true(
    consumer.taken.every(
      ({ attempt, crashes, redelivered }) => attempt === 1 && crashes + Number(redelivered) === 0,
    ),
  );
});

test('sync jobs that take long are shared between the process that added them and a waiting process', async (t) => {
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

test('a sync job without a free slot in its process is fetched by a waiting process within 3 s', async (t) => {
  const { redis, one, other } = t.context;
  // The first consumer has waited longer than the second, so it receives the marker although it is
  // busy by then.
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

test('a sync job fetched for a closing consumer runs on another consumer without using an attempt', async (t) => {
  const { redis, one, other } = t.context;
  const [closing, next] = [await consumerOf(t, one), await consumerOf(t, other)];
  await wait(2, redis);
  const adding = one.queue.add([call()]);
  // The batch of adds is sent at the end of the turn in which it was begun, the one after this.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  const closed = closing.close();
  await adding;
  await closed;
  await until('the other consumer has the job', () => next.taken.length === 1, 6000);
  t.is(closing.taken.length, 0);
  t.like(next.taken[0], { attempt: 1, crashes: 0, redelivered: true });
  await allHaveLeft(other);
});

test('sync jobs fetched beyond a limit that was lowered meanwhile are returned to the queue', async (t) => {
  const { redis } = t.context;
  const { driver, loop, close } = await loopOf(1, t, 1);
  const gate = closedGate();
  loop.run = () => gate.opened;
  loop.running.runs.setLimit(4, { prefetches: true });
  const adding = driver.adds.add(
    times(4, () => toJob(call())),
    ...UNLIMITED,
  );
  // The command is sent at the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  loop.running.runs.setLimit(1, { prefetches: false });
  await adding;
  const waiting = () => redis.zcard('{orama}:sync:prioritized');
  // As many as the process has cores are kept.
  await until('two have gone back', async () => (await waiting()) === 2);
  t.is(await redis.llen('{orama}:sync:active'), 2);
  gate.open();
  await until('all have run', async () => (await waiting()) === 0);
  await close();
});

test('an add that reaches Redis too late fetches no job for the process that has given it up', async (t) => {
  const { redis, one } = t.context;
  const { driver, loop, close } = await loopOf(1, t);
  loop.running.runs.setLimit(0, { prefetches: false });
  await one.queue.add([call()]);
  driver.fetchOnAdd('sync', { lockMs: 8000, reserve: () => ['token'], deliver: () => {} });
  // Only the script of adds reads the time.
  const before = await callsOf(redis, 'time');
  server.freeze();
  await t.throwsAsync(driver.adds.add([toJob(call())], ...UNLIMITED), { name: 'UnconfirmedAdd' });
  server.thaw();
  await until('Redis has read the add', async () => (await callsOf(redis, 'time')) > before);
  t.is(await redis.llen('{orama}:sync:active'), 0);
  t.is(await redis.zcard('{orama}:sync:prioritized'), 1);
  await close();
});

test('a run loop goes from waiting to full, closing and closed, and then leaves jobs in the queue', async (t) => {
  const { redis } = t.context;
  const { driver, loop, close } = await loopOf(2, t);
  await until('the loop waits', () => loop.running.state === 'waiting');
  const gate = closedGate();
  loop.run = () => gate.opened;
  await driver.adds.add(
    times(5, () => toJob(event())),
    ...UNLIMITED,
  );
  await driver.adds.add(
    times(5, () => toJob(call())),
    ...UNLIMITED,
  );
  await until('the loop is full', () => loop.running.state === 'full');
  t.is(await redis.llen('{orama}:sync:active'), 2);
  const closing = close();
  await until('the loop is closing', () => loop.running.state === 'closing');
  gate.open();
  await closing;
  t.is(loop.running.state, 'closed');
  t.is(await redis.llen('{orama}:sync:active'), 0);
  t.is(await redis.zcard('{orama}:sync:prioritized'), 3);
});

/** Starts a run loop for sync jobs with this number of slots. */
async function loopOf(slots: number, t: ExecutionContext<Context>, cores = 32) {
  const reached = await RedisServer.reach(server.url, 'REDIS_URL', { batchWrites: true });
  const connection = await reached.connect('failFast');
  const driver = await RedisDriver.open(reached, connection, LIMITS, () => {});
  const timings = { lockMs: 8000, stalledCheckMs: 3000 };
  const told: { run(): Promise<void> } = { run: async () => {} };
  const store = await driver.openStore('sync', timings);
  const warn = (message: string, error: unknown) => t.log(message, error);
  const settler = new JobSettler({ store, warn, jobCounts: driver.jobCounts });
  const running = new RunLoop({
    store,
    settler,
    queue: driver.queues.sync,
    limit: slots,
    cores,
    waitSeconds: 5,
    timings,
    warn,
    run: async () => {
      await told.run();
      return 'done';
    },
    onLost: () => {},
  });
  const detach = driver.fetchOnAdd('sync', running.runs);
  const loop = Object.assign(told, { running });
  return {
    driver,
    loop,
    async close() {
      detach();
      await running.close();
      await driver.close();
      await closeRedis(connection);
    },
  };
}
