import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guest } from '../../test/helpers/guests.js';
import { distinct, heading, median, row, spread } from '../figures.js';
import { GREETING } from '../load.js';
import { deploy, invokeOnce, type Product, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const ROUNDS = 5;
const WARM = 50;

/**
 * The first invocation after a deploy and after a restart, compared with a warm one. All in one, on
 * Redis.
 */
export async function cold(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const dataDir = await mkdtemp(join(tmpdir(), 'orama-bench-'));
  heading(
    'First invocations, all in one',
    'guest',
    'warm ms',
    'first after deploy ms',
    'ratio',
    'first after restart ms',
  );
  try {
    for (const [name, source] of [
      ['rust', 'hello.rs'],
      ['go', 'kitchen.go'],
    ] as const) {
      let product = await startProduct({ redisUrl: redis.url, dataDir });
      await deploy(product, name, await guest(source));
      const warm = median(await warmUp(product, name));
      const first: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        // A function with the same bytes would find them compiled, so a custom section makes them
        // different.
        await deploy(product, `${name}-${round}`, distinct(await guest(source)));
        first.push(await invokeOnce(product, `${name}-${round}`, GREETING));
      }
      const restarted: number[] = [];
      for (let round = 0; round < 3; round++) {
        await product.close();
        product = await startProduct({ redisUrl: redis.url, dataDir });
        restarted.push(await invokeOnce(product, name, GREETING));
      }
      await product.close();
      row(name, warm.toFixed(2), spread(first, 1), (median(first) / warm).toFixed(1), spread(restarted, 1));
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
    await redis.close();
  }
}

async function warmUp(product: Product, name: string): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < 2 * WARM; index++) times.push(await invokeOnce(product, name, GREETING));
  return times.slice(WARM);
}
