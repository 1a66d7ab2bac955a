import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { Redis } from 'ioredis';
import type { Queues } from '../../queues/bull-queues.js';
import { RedisDriver } from '../../queues/drivers/redis/driver.js';
import { JobSettler } from '../../queues/job-settler.js';
import type { JobStore } from '../../queues/job-store.js';
import { openQueues } from '../../queues/open.js';
import { timingsFor } from '../../queues/timings.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import { closeRedis } from '../../src/redis/connection.js';
import { RedisServer } from '../../src/redis/server.js';
import { DONE } from '../helpers/consuming.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

const { serial: test } = anyTest as TestFn<{ server: RedisServerProcess; redis: Redis }>;
const LIMITS = { maxWaiting: 100, maxBytes: 1 << 20 };
const TIMINGS = timingsFor(2000);
/** Longer than a lock. */
const AWAY_MS = TIMINGS.lockMs + 1000;
/** Long enough for a job without a lock to be redelivered by two checks. */
const LONG_MS = AWAY_MS + 3 * TIMINGS.stalledCheckMs;
const ACTIVE = '{orama}:async:active';
const JOBS = 8;

test.beforeEach(async (t) => {
  const server = await startRedis();
  t.context = { server, redis: new Redis(server.url) };
  t.context.redis.on('error', () => {});
});
test.afterEach.always(async (t) => {
  t.context.redis.disconnect();
  await t.context.server.close();
});

/** Two workers that run jobs until `end` is called. */
async function twoWorkers(server: RedisServerProcess, settle: (delivery: Delivery) => Settlement) {
  const warnings: string[] = [];
  const deliveries: Delivery[] = [];
  const ended = closedGate();
  const workers: Queues[] = [];
  for (let n = 0; n < 2; n++) {
    const worker = await openQueues({
      ...{ driver: 'redis', url: server.url, timings: TIMINGS, ...LIMITS },
      warn: (message) => warnings.push(message),
    });
    workers.push(worker);
    await worker.queue.consume(
      async (delivery) => {
        deliveries.push(delivery);
        await ended.opened;
        return settle(delivery);
      },
      { concurrency: JOBS },
    );
  }
  const [worker] = workers;
  for (let n = 0; n < JOBS; n++) await worker?.queue.add([queued({}, { attempts: 2 })]);
  await until('all jobs run', () => deliveries.length === JOBS);
  return {
    ...{ deliveries, warnings, end: ended.open },
    allHaveLeft: () => until('all have left', async () => (await worker?.queue.counts())?.bytes === 0),
    async close() {
      ended.open();
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

const outages: Record<string, (server: RedisServerProcess) => Promise<void>> = {
  'does not respond': async (server) => {
    server.freeze();
    await delay(AWAY_MS);
    server.thaw();
  },
  'is down': async (server) => {
    await server.kill();
    await delay(AWAY_MS);
    await server.restart();
  },
};

for (const [how, outage] of Object.entries(outages)) {
  test(`jobs run on when Redis ${how} for longer than a lock, and no crash is counted`, async (t) => {
    const { server, redis } = t.context;
    const { allHaveLeft, deliveries, warnings, end, close } = await twoWorkers(server, () => DONE);
    t.teardown(close);
    // Each job has been marked by a check for stalled jobs.
    await delay(TIMINGS.stalledCheckMs);
    await outage(server);
    await delay(LONG_MS);
    t.is(deliveries.length, JOBS);
    t.true(deliveries.every(({ signal }) => !signal.aborted));
    t.is((await redis.keys('{orama}:async:*:lock')).length, JOBS);
    end();
    await allHaveLeft();
    t.is(deliveries.length, JOBS);
    t.false(
      warnings.some((warning) => /Lost the lock|Failed to remove/.test(warning)),
      warnings.join('\n'),
    );
  });
}

test('jobs that end or fail while Redis is away are settled when it is back, and no crash is counted', async (t) => {
  const { server } = t.context;
  let fails = 0;
  const { allHaveLeft, deliveries, warnings, end, close } = await twoWorkers(server, ({ attempt }) =>
    attempt === 1 && fails++ < JOBS / 2 ? { kind: 'retry', error: 'failed' } : DONE,
  );
  t.teardown(close);
  server.freeze();
  await delay(AWAY_MS);
  end();
  await delay(200);
  server.thaw();
  await allHaveLeft();
  t.is(deliveries.length, JOBS + JOBS / 2);
  t.true(deliveries.every(({ crashes, attempt, failures }) => crashes === 0 && failures === attempt - 1));
  t.false(
    warnings.some((warning) => /Failed to remove/.test(warning)),
    warnings.join('\n'),
  );
});

const SHORT = timingsFor(400);

/** The store of a worker, which has one job. */
async function heldJob({ server }: { server: RedisServerProcess }) {
  const redisServer = await RedisServer.reach(server.url, 'REDIS_URL');
  const connection = await redisServer.connect('failFast');
  const driver = await RedisDriver.open(redisServer, connection, LIMITS, () => {});
  const store: JobStore = await driver.openStore('async', SHORT);
  const queues = await openQueues({ driver: 'redis', url: server.url, ...LIMITS });
  const job = queued();
  const { id } = job.invocation;
  await queues.queue.add([job]);
  await store.moveManyToActive(['first']);
  return {
    ...{ store, driver, id, run: { id, token: 'first', attemptsStarted: 1 } },
    async close() {
      await store.close();
      await queues.close();
      await driver.close();
      await closeRedis(connection);
    },
  };
}

test('the first check after a time without checks takes no job, and the next takes what was not renewed', async (t) => {
  const { redis } = t.context;
  const { store, id, run, close } = await heldJob(t.context);
  t.teardown(close);
  await store.moveStalledJobsToWait();
  t.deepEqual(await redis.smembers('{orama}:async:stalled'), [id]);
  await delay(2 * SHORT.lockMs);
  t.is(await redis.exists(`{orama}:async:${id}:lock`), 0);
  t.deepEqual(await store.moveStalledJobsToWait(), []);
  t.deepEqual(await store.renewLocks([run]), []);
  t.is(await redis.get(`{orama}:async:${id}:lock`), 'first');
  t.deepEqual(await redis.smembers('{orama}:async:stalled'), []);

  await delay(2 * SHORT.lockMs);
  t.deepEqual(await store.moveStalledJobsToWait(), []);
  await delay(SHORT.stalledCheckMs + 50);
  t.deepEqual(await store.moveStalledJobsToWait(), [id]);
});

test('an expired lock is not set again for a job that has returned to the queue or was started again', async (t) => {
  const { redis } = t.context;
  const { store, id, run, close } = await heldJob(t.context);
  t.teardown(close);
  await redis.del(`{orama}:async:${id}:lock`);
  await store.moveStalledJobsToWait();
  await delay(SHORT.stalledCheckMs + 50);
  t.deepEqual(await store.moveStalledJobsToWait(), [id]);
  t.deepEqual(await store.renewLocks([run]), [id]);
  await store.moveManyToActive(['second']);
  t.deepEqual(await store.renewLocks([run]), [id]);
  await redis.del(`{orama}:async:${id}:lock`);
  t.deepEqual(await redis.lrange(ACTIVE, 0, -1), [id]);
  t.deepEqual(await store.renewLocks([run]), [id]);
  t.deepEqual(await store.renewLocks([{ ...run, token: 'second', attemptsStarted: 2 }]), []);
});

test('a run whose lock has expired settles its job, unless the job was started again', async (t) => {
  const { redis } = t.context;
  const { store, driver, id, close } = await heldJob(t.context);
  t.teardown(close);
  const warnings: string[] = [];
  const jobCounts = { ended: () => {}, postponed: () => {} };
  const settler = new JobSettler({ store, jobCounts, warn: (message) => warnings.push(message) });
  const started = async (token: string) => {
    const job = await driver.queues.async.getJob(id);
    await redis.del(`{orama}:async:${id}:lock`);
    if (job === undefined) throw new Error('the job is gone');
    return { job, token };
  };
  const first = await started('first');
  await settler.putBack(first.job, first.token, { kind: 'later', delayMs: 1 }, () => false);
  t.is(await redis.llen(ACTIVE), 0);
  await delay(10);
  await store.moveManyToActive(['second']);
  const second = await started('second');
  t.is(await settler.complete(first.job, first.token, () => false), null);
  t.is(warnings.length, 1);
  await settler.complete(second.job, second.token, () => false);
  t.is(warnings.length, 1);
  t.is(await redis.exists(`{orama}:async:${id}`), 0);
});
