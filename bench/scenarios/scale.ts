import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { openQueues } from '../../queues/open.js';
import { guest } from '../../test/helpers/guests.js';
import { functionName, queued } from '../../test/helpers/invocations.js';
import { CONTEST_COLUMNS, contest, heading } from '../figures.js';
import { GREETING, invokeLoad } from '../load.js';
import { deploy, left, type Product, startProduct } from '../product.js';
import { timeDrain } from '../publish.js';
import { redisOf, type Setting } from './setting.js';

const DRAIN = 3000;
const GROUP = 500;
const BACKLOGS = [10, 10_000, 1_000_000];

/** The effect of more workers, and of a long queue. */
export async function scale(setting: Setting): Promise<void> {
  await workers(setting);
  await backlog(setting);
}

async function workers(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  heading('Workers, sync over HTTP, 64 at once, Rust hello', ...CONTEST_COLUMNS);
  try {
    for (const count of [1, 2, 4]) {
      const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url, workers: count });
      await deploy(product, 'rust', await guest('hello.rs'));
      await invokeLoad(product, 'rust', { connections: 64, ms: 2000 });
      await contest([
        { name: `${count} worker`, run: () => invokeLoad(product, 'rust', { connections: 64, ms: 1000 }) },
      ]);
      await product.close();
    }
  } finally {
    await redis.close();
  }
}

async function backlog(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url });
  try {
    await deploy(product, 'rust', await guest('hello.rs'));
    await invokeLoad(product, 'rust', { connections: 64, ms: 2000 });
    heading(`Draining ${DRAIN} events, web + worker`, ...CONTEST_COLUMNS);
    const drain = (name: string, waiting: number) => ({
      name,
      run: async () => {
        product.processes[1]?.freeze();
        const have = await left(product);
        await fill(product, redis.url, waiting + DRAIN - have);
        await untilCalm(redis.url);
        return timeDrain(product, waiting);
      },
    });
    for (const waiting of BACKLOGS) await contest([drain(`${waiting} behind them`, waiting)]);
  } finally {
    for (const each of product.processes) await each.kill();
    await product.close();
    await redis.close();
  }
}

/**
 * Adds events to the queue through the same port as a publish. Two groups at a time, because a
 * million take a while.
 */
async function fill(product: Product, url: string, count: number): Promise<void> {
  const { json } = await product.api.get('/v1/functions/rust');
  const queues = await openQueues({ driver: 'redis', url, maxWaiting: 1e9, maxBytes: 2 ** 50 });
  const input = Buffer.from(GREETING);
  let rest = count;
  const one = async () => {
    while (rest > 0) {
      const length = Math.min(GROUP, rest);
      rest -= length;
      await queues.queue.add(
        Array.from({ length }, () =>
          queued({ function: functionName('rust'), functionId: json.id, version: json.version, input }),
        ),
      );
    }
  };
  await Promise.all([one(), one()]);
  await queues.close();
}

/**
 * Waits for the end of an AOF rewrite, which a million new jobs cause: its process would use one of
 * two cores.
 */
async function untilCalm(url: string): Promise<void> {
  const redis = new Redis(url);
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info('persistence'))) await delay(100);
  redis.disconnect();
}
