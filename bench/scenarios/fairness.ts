import { guest } from '../../test/helpers/guests.js';
import { heading, median, row, spread } from '../figures.js';
import { GREETING, invokeLoad } from '../load.js';
import { deploy, invokeOnce, left, type Product, startProduct, type Topology } from '../product.js';
import { publish } from '../publish.js';
import { addListeners, FAN_OUT_TOPIC } from './fan-out.js';
import { redisOf, type Setting } from './setting.js';

const BACKLOG = 10_000;
const LISTENERS = 1000;
const CALLS = 200;
const ROUNDS = 3;

/**
 * What a namespace's sync calls suffer from another's backlog of events that do nothing: the most
 * of them there can be.
 */
export async function fairness(setting: Setting): Promise<void> {
  heading(
    `Sync calls, one after the other, beside ${BACKLOG} waiting events of another namespace`,
    'topology',
    'unloaded p50 ms',
    'loaded p50 ms',
    'ratio',
    'events drained meanwhile, per second',
  );
  for (const topology of ['web + worker', 'all in one'] as const) await fairnessIn(topology, setting);
}

async function fairnessIn(topology: Topology, setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const product = await startProduct({ topology, redisUrl: redis.url });
  try {
    const wasm = await guest('hello.rs');
    await deploy(product, 'listener', wasm);
    await addListeners(product, 'listener', LISTENERS);
    const calm = await calmTenant(product);
    await deploy(calm, 'hello', wasm);
    await invokeLoad(calm, 'hello', { connections: 64, ms: 3000 });
    const unloaded: number[] = [];
    const loaded: number[] = [];
    const drained: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      unloaded.push(await medianOfCalls(calm));
      for (let sent = 0; sent < BACKLOG / LISTENERS; sent++) await publish(product, FAN_OUT_TOPIC, 1);
      const [before, began] = [await left(product), performance.now()];
      loaded.push(await medianOfCalls(calm, async () => (await left(product)) > BACKLOG / 20));
      drained.push(((before - (await left(product))) * 1000) / (performance.now() - began));
      while ((await left(product)) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const ratios = loaded.map((ms, index) => ms / (unloaded[index] ?? Number.NaN));
    row(topology, spread(unloaded, 2), spread(loaded, 2), spread(ratios, 1), spread(drained));
  } finally {
    await product.close();
    await redis.close();
  }
}

/** The same product, as another namespace sees it. */
async function calmTenant(product: Product): Promise<Product> {
  const { json } = await product.api.post('/v1/auth/keys', { name: 'calm', namespace: 'calm' });
  return { ...product, adminKey: json.api_key, api: product.api.as(json.api_key) };
}

/** Looks at every tenth call whether there is still something to measure. */
async function medianOfCalls(product: Product, goOn = async () => true): Promise<number> {
  const times: number[] = [];
  while (times.length < CALLS && (times.length % 10 > 0 || (await goOn()))) {
    times.push(await invokeOnce(product, 'hello', GREETING));
  }
  return median(times);
}
