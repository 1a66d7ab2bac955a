/**
 * Compares the queue port with plain BullMQ on the same Redis, in one run: node dist/bench/queue.js
 * [seconds per figure]. Compare the ratios, because noise affects both columns.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { openQueues } from '../queues/open.js';
import type { Closable } from '../src/ports/closable.js';
import type { QueuedInvocation } from '../src/ports/queue.js';
import { queued } from '../test/helpers/invocations.js';
import { startRedis } from '../test/helpers/redis-server.js';

const SECONDS = Number(process.argv[2] ?? 1.5);
const ROUNDS = 3;
const KEEP = {
  removeOnComplete: true,
  removeOnFail: true,
  attempts: 3,
  backoff: { type: 'fixed', delay: 50 },
};
const CONCURRENCY = 64;
const DRAIN = 8000;
const drained: Closable[] = [];

const server = await startRedis();
const redis = (): Redis => new Redis(server.url, { maxRetriesPerRequest: null });
const queues = await openQueues({
  driver: 'redis',
  url: server.url,
  maxWaiting: 2_000_000,
  maxBytes: 2 ** 40,
});
const bareConnection = redis();
const bare = new Queue('bare', { connection: bareConnection, defaultJobOptions: KEEP });
await bare.waitUntilReady();

const input = Buffer.from(JSON.stringify({ name: 'world', padding: 'x'.repeat(48) }));
const make = (): QueuedInvocation =>
  queued({ input }, { attempts: 3, backoff: { type: 'fixed', delayMs: 50 } });
const bareData = { function: 'hello', input: input.toString() };

interface Rate {
  perSecond: number;
  p50: number;
  p99: number;
}

/** Runs `atOnce` operations at a time for SECONDS; each operation counts as `weight` jobs. */
async function rate(atOnce: number, weight: number, operation: () => Promise<unknown>): Promise<Rate> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + SECONDS * 1000;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < end) {
        const before = performance.now();
        await operation();
        latencies.push(performance.now() - before);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { perSecond: (latencies.length * weight) / seconds, p50: at(0.5), p99: at(0.99) };
}

async function compare(name: string, ours: () => Promise<Rate>, theirs: () => Promise<Rate>): Promise<void> {
  const rounds: { ours: Rate; theirs: Rate }[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push({ theirs: await theirs(), ours: await ours() });
  const median = (values: number[]): number =>
    values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const ratios = rounds.map((round) => round.ours.perSecond / round.theirs.perSecond);
  const spread = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
  const row = [
    name.padEnd(34),
    `bare ${Math.round(median(rounds.map((r) => r.theirs.perSecond)))}/s`.padEnd(16),
    `p50 ${median(rounds.map((r) => r.theirs.p50)).toFixed(2)} ms`.padEnd(14),
    `ours ${Math.round(median(rounds.map((r) => r.ours.perSecond)))}/s`.padEnd(16),
    `p50 ${median(rounds.map((r) => r.ours.p50)).toFixed(2)} ms`.padEnd(14),
    `ratio ${median(ratios).toFixed(2)} (${spread})`,
  ];
  console.log(row.join(' '));
}

async function empty(): Promise<void> {
  const admin = redis();
  await admin.flushall();
  admin.disconnect();
}

await empty();
for (const atOnce of [1, 64]) {
  await compare(
    `add, ${atOnce} at once`,
    () => rate(atOnce, 1, () => queues.queue.add([make()])),
    () => rate(atOnce, 1, () => bare.add('hello', bareData)),
  );
}
await empty();
await compare(
  'add of 50 together, 4 at once',
  () => rate(4, 50, () => queues.queue.add(Array.from({ length: 50 }, () => make()))),
  () =>
    rate(4, 50, () => bare.addBulk(Array.from({ length: 50 }, () => ({ name: 'hello', data: bareData })))),
);
await empty();

await compare(
  `drain of ${DRAIN}`,
  async () => {
    for (let i = 0; i < DRAIN; i += 500) await queues.queue.add(Array.from({ length: 500 }, () => make()));
    let left = DRAIN;
    const start = performance.now();
    await new Promise<void>((resolve, reject) => {
      queues.queue
        .consume(
          async () => {
            if (--left === 0) resolve();
            return { kind: 'done' };
          },
          { concurrency: CONCURRENCY },
        )
        .then((consumer) => drained.push(consumer), reject);
    });
    const seconds = (performance.now() - start) / 1000;
    await Promise.all(drained.splice(0).map((consumer) => consumer.close()));
    return { perSecond: DRAIN / seconds, p50: 0, p99: 0 };
  },
  async () => {
    for (let i = 0; i < DRAIN; i += 500) {
      await bare.addBulk(Array.from({ length: 500 }, () => ({ name: 'hello', data: bareData })));
    }
    let left = DRAIN;
    const start = performance.now();
    const workers: Worker[] = [];
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 2; i++) {
        const done = async (): Promise<void> => {
          if (--left === 0) resolve();
        };
        workers.push(new Worker('bare', done, { connection: redis(), concurrency: CONCURRENCY / 2 }));
      }
    });
    const seconds = (performance.now() - start) / 1000;
    await Promise.all(workers.map((worker) => worker.close()));
    return { perSecond: DRAIN / seconds, p50: 0, p99: 0 };
  },
);
await empty();

// Round trips: an operation ends when the handler of its job runs.
const waiting = new Map<string, () => void>();
const arrived = (id: string): void => {
  waiting.get(id)?.();
  waiting.delete(id);
};
const consumer = await queues.queue.consume(
  async ({ invocation }) => {
    arrived(invocation.id);
    return { kind: 'done' };
  },
  { concurrency: CONCURRENCY },
);
const bareWorkers = [0, 1].map(
  () =>
    new Worker('bare', async (job) => arrived(String(job.data.id)), {
      connection: redis(),
      concurrency: CONCURRENCY / 2,
    }),
);
let lastId = 0;
const bareTrip = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const id = String(++lastId);
    waiting.set(id, resolve);
    bare.add('hello', { ...bareData, id }).catch(reject);
  });
const trip = (job: QueuedInvocation): Promise<void> =>
  new Promise((resolve, reject) => {
    waiting.set(job.invocation.id, resolve);
    queues.queue.add([job]).catch(reject);
  });
for (const atOnce of [1, 64]) {
  await compare(
    `round trip, ${atOnce} at once`,
    () => rate(atOnce, 1, () => trip(make())),
    () => rate(atOnce, 1, bareTrip),
  );
}

await consumer.close();
await Promise.all(bareWorkers.map((worker) => worker.close()));
await bare.close();
await queues.close();
await server.close();
process.exit(0);
