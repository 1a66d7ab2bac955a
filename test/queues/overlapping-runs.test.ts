import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { Redis } from 'ioredis';
import { openQueues } from '../../queues/open.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import { collect, DONE } from '../helpers/consuming.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const { serial: test } = anyTest as TestFn;
const RETRY: Settlement = { kind: 'retry', error: 'failed' };
/** Locks that a process keeps which gets no processor for two seconds. */
const TIMINGS = { lockMs: 4000, stalledCheckMs: 300 };
/** Long enough for a job without lock renewal to be redelivered by two stalled checks. */
const LONG_MS = TIMINGS.lockMs + 5 * TIMINGS.stalledCheckMs;
/** Long enough for commands to be sent, and short enough for all timeouts. */
const SENT_MS = 100;
/** How many jobs are retried, and how many others end, at once. */
const PAIRS = 8;
const dirs = tempDir();
let server: RedisServerProcess;
let redis: Redis;

test.before(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
test.after.always(async () => {
  redis.disconnect();
  await server.close();
});
test.beforeEach(async () => {
  await redis.flushall();
});

async function open(t: ExecutionContext, driver: 'redis' | 'sqlite') {
  const warnings: string[] = [];
  const place =
    driver === 'redis' ? { driver, url: server.url } : { driver, dir: await mkdtemp(join(dirs, 'queue-')) };
  const queues = await openQueues({
    ...place,
    ...{ maxWaiting: 50, maxBytes: 1 << 20, timings: TIMINGS },
    warn: (message) => warnings.push(message),
  });
  t.teardown(() => queues.close());
  return { queues, warnings };
}

for (const driver of ['redis', 'sqlite'] as const) {
  test(`${driver}: jobs that are retried while others end run once more each, beside no third run`, async (t) => {
    const { queues, warnings } = await open(t, driver);
    const { queue } = queues;
    // Redis has loaded the scripts by then, so that its replies to the commands arrive together.
    await queue.add([queued({}, { attempts: 2 })]);
    await collect(queues, 2, ({ isLastAttempt }) => (isLastAttempt ? DONE : RETRY));
    const retried = Array.from({ length: PAIRS }, () => queued({}, { attempts: 3 }));
    const others = Array.from({ length: PAIRS }, () => queued());
    const [first, further] = [closedGate(), closedGate()];
    t.teardown(further.open);
    const again: Delivery[] = [];
    await queue.consume(
      async (delivery) => {
        if (delivery.attempt > 1) again.push(delivery);
        await (delivery.attempt > 1 ? further : first).opened;
        return delivery.attempt > 1 || delivery.isLastAttempt ? DONE : RETRY;
      },
      { concurrency: 2 * PAIRS },
    );
    for (const job of retried) await queue.add([job]);
    for (const job of others) await queue.add([job]);
    await until('all run', async () => (await queue.counts()).running === 2 * PAIRS);
    // All settle in one turn, and all replies arrive in another: the command that completes the
    // other jobs fetches the retried ones.
    server.freeze();
    first.open();
    await delay(SENT_MS);
    server.thaw();
    await until('the retried jobs run again', () => again.length === PAIRS);
    await delay(LONG_MS);
    t.is(again.length, PAIRS);
    t.true(again.every(({ signal }) => !signal.aborted));
    t.is((await queue.counts()).running, PAIRS);
    further.open();
    await until('all have left', async () => (await queue.counts()).bytes === 0);
    t.deepEqual(warnings, []);
  });
}

/**
 * A job whose first run has lost its lock to a second run of the same process; both wait at gates.
 */
async function takenOver(t: ExecutionContext) {
  const { queues, warnings } = await open(t, 'redis');
  const job = queued({}, { attempts: 3 });
  const { id } = job.invocation;
  const gates = [closedGate(), closedGate()];
  t.teardown(() => gates.map(({ open }) => open()));
  const deliveries: Delivery[] = [];
  const consumer = await queues.queue.consume(
    async (delivery) => {
      deliveries.push(delivery);
      await gates[deliveries.length - 1]?.opened;
      return DONE;
    },
    { concurrency: 2 },
  );
  await queues.queue.add([job]);
  await until('the job runs', () => deliveries.length === 1);
  // As when the process was suspended until the lock had expired.
  await redis.del(`{orama}:async:${id}:lock`);
  await until('the job runs again', () => deliveries.length === 2);
  await until('the first run is aborted', () => deliveries[0]?.signal.aborted);
  return { queues, warnings, id, gates, deliveries, consumer };
}

test('when a process takes over a job of its own, only the earlier run loses it', async (t) => {
  const { queues, id, gates, deliveries } = await takenOver(t);
  const [first, second] = deliveries;
  t.is(first?.signal.reason, 'lost');
  gates[0]?.open();
  await delay(LONG_MS);
  t.is(deliveries.length, 2);
  t.false(second?.signal.aborted);
  await queues.queue.cancel(id);
  await until('the second run is cancelled', () => second?.signal.aborted);
  t.is(second?.signal.reason, 'cancelled');
  gates[1]?.open();
  await until('the job has left', async () => (await queues.queue.counts()).bytes === 0);
});

test('a run that has lost its job is not reported as one whose job could not be removed', async (t) => {
  const { queues, warnings, id, gates, consumer } = await takenOver(t);
  for (const { open } of gates) open();
  await until('the job has left', async () => (await queues.queue.counts()).bytes === 0);
  await consumer.close();
  t.deepEqual(warnings, [
    `Lost the lock of invocation ${id}: it had expired, and the job has returned to the queue or runs again.`,
  ]);
});
