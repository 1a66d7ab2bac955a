import { guest } from '../../test/helpers/guests.js';
import { distinct, heading, mebibytes, residentMb, row } from '../figures.js';
import { GREETING, invokeLoad } from '../load.js';
import { deploy, type Product, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const STEPS = 10;
const FUNCTIONS = 1000;
const ROUNDS = 3;
const AT_ONCE = 16;

/**
 * Rate and resident memory over many invocations, and with a thousand functions that are invoked in
 * turn. All in one, on Redis.
 */
export async function growth({ fsync, invocations }: Setting): Promise<void> {
  const redis = await redisOf({ fsync });
  try {
    const product = await startProduct({ redisUrl: redis.url });
    await deploy(product, 'rust', await guest('hello.rs'));
    heading(`${invocations} sync invocations, all in one, 64 at once`, 'done', 'per second', 'resident MB');
    for (let step = 1; step <= STEPS; step++) {
      const { perSecond } = await invokeLoad(product, 'rust', {
        connections: 64,
        amount: invocations / STEPS,
      });
      row(String((invocations / STEPS) * step), perSecond.toFixed(0), mebibytes(await resident(product)));
    }

    heading(`${FUNCTIONS} functions, round robin, ${AT_ONCE} at once`, 'round', 'per second', 'resident MB');
    const wasm = await guest('hello.rs');
    for (let n = 0; n < FUNCTIONS; n++) await deploy(product, `rust-${n}`, distinct(wasm));
    row('deployed', '', mebibytes(await resident(product)));
    for (let round = 1; round <= ROUNDS; round++) {
      row(String(round), (await invokeEach(product)).toFixed(0), mebibytes(await resident(product)));
    }
    await product.close();
  } finally {
    await redis.close();
  }
}

async function resident(product: Product): Promise<number> {
  return residentMb(product.processes[0]?.pid ?? 0);
}

/** Invokes every function once. Resolves with the rate per second. */
async function invokeEach(product: Product): Promise<number> {
  const began = performance.now();
  let next = 0;
  const one = async () => {
    while (next < FUNCTIONS) {
      const name = `rust-${next++}`;
      const { status, text } = await product.api.invoke(name, GREETING);
      if (status !== 200) throw new Error(`invoke of ${name}: ${status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return (FUNCTIONS * 1000) / (performance.now() - began);
}
