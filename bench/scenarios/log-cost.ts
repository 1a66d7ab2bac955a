import { guest } from '../../test/helpers/guests.js';
import { CONTEST_COLUMNS, contest, heading } from '../figures.js';
import { deploy, type ProductOptions, startProduct } from '../product.js';
import { publishBatches, timeDrain } from '../publish.js';
import { redisOf, type Setting } from './setting.js';

const EVENTS = 20_000;

/**
 * A drain, compared with one by the same worker whose log writes nothing. Each has its own Redis
 * and has drained the same number before: a process reaches its full rate only after about 20,000
 * jobs.
 */
export async function logCost(setting: Setting): Promise<void> {
  const logged = await startDraining(setting, {});
  const unlogged = await startDraining(setting, { workerModule: 'dist/bench/unlogged-worker.js' });
  try {
    heading(`A drain of ${EVENTS} and its log, web + worker`, ...CONTEST_COLUMNS);
    const without = 'drain, no log written';
    const contenders = [
      { name: without, run: () => unlogged.drain() },
      { name: 'drain, log written', against: without, run: () => logged.drain() },
    ];
    await contest(contenders, 7);
  } finally {
    await unlogged.close();
    await logged.close();
  }
}

async function startDraining(setting: Setting, options: ProductOptions) {
  const redis = await redisOf(setting);
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url, ...options });
  const drain = async () => {
    product.processes[1]?.freeze();
    await publishBatches(product, 'event', EVENTS);
    return timeDrain(product);
  };
  await deploy(product, 'listener', await guest('hello.rs'), { triggers: [{ topic: 'event' }] });
  await drain();
  return {
    drain,
    async close() {
      await product.close();
      await redis.close();
    },
  };
}
