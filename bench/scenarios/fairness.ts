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

/** The result of a round: median latencies of calls, and events ended per second. */
interface Round {
  unloadedMs: number;
  loadedMs: number;
  aloneRate: number;
  besideRate: number;
}

/**
 * Measures how a client with sequential sync calls is affected by another namespace's backlog of
 * no-op events (the worst case in number), and how the events are affected by the calls: in turns
 * with and without calls. Also for a newly started worker whose code V8 has not compiled yet.
 */
export async function fairness(setting: Setting): Promise<void> {
  heading(
    `Sync calls, one after the other, beside ${BACKLOG} waiting events of another namespace`,
    'topology',
    'unloaded p50 ms',
    'loaded p50 ms',
    'ratio',
    'events a second alone',
    'beside the calls',
    'share',
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
    await whileFrozen(product, () => publishBacklog(product));
    await drain(product);
    const warm = await rounds(product, calm, () => whileFrozen(product, () => publishBacklog(product)));
    report(topology, warm);
    if (topology === 'all in one') return;
    report(
      `${topology} just started`,
      await rounds(product, calm, () => product.restartWorker(() => publishBacklog(product))),
    );
  } finally {
    await product.close();
    await redis.close();
  }
}

async function rounds(product: Product, calm: Product, fill: () => Promise<void>): Promise<Round[]> {
  const found: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const unloadedMs = median(await callsWhile(calm, async () => true));
    await fill();
    const aloneRate = await drain(product);
    await fill();
    const times: number[] = [];
    const besideRate = await drain(product, async (goesOn) => {
      times.push(...(await callsWhile(calm, goesOn)));
    });
    found.push({ unloadedMs, loadedMs: median(times), aloneRate, besideRate });
  }
  return found;
}

function report(name: string, found: readonly Round[]): void {
  const of = (value: (round: Round) => number, digits = 0) => spread(found.map(value), digits);
  row(
    name,
    of(({ unloadedMs }) => unloadedMs, 2),
    of(({ loadedMs }) => loadedMs, 2),
    of(({ unloadedMs, loadedMs }) => loadedMs / unloadedMs, 1),
    of(({ aloneRate }) => aloneRate),
    of(({ besideRate }) => besideRate),
    of(({ aloneRate, besideRate }) => besideRate / aloneRate, 2),
  );
}

async function publishBacklog(product: Product): Promise<void> {
  const sent = Array.from({ length: BACKLOG / LISTENERS }, () => publish(product, FAN_OUT_TOPIC, 1));
  await Promise.all(sent);
}

/** Freezes the worker, if it is a separate process, until all events have been published. */
async function whileFrozen(product: Product, work: () => Promise<void>): Promise<void> {
  const worker = product.processes[1];
  worker?.freeze();
  await work();
  worker?.thaw();
}

/** Resolves with the rate of ended events per second until few are left, while `meanwhile` runs. */
async function drain(
  product: Product,
  meanwhile: (goesOn: () => Promise<boolean>) => Promise<void> = async (goesOn) => {
    while (await goesOn()) await new Promise((resolve) => setTimeout(resolve, 100));
  },
): Promise<number> {
  const [before, began] = [await left(product), performance.now()];
  await meanwhile(async () => (await left(product)) > BACKLOG / 20);
  const rate = ((before - (await left(product))) * 1000) / (performance.now() - began);
  while ((await left(product)) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  return rate;
}

/** Returns the same product with the credentials of another namespace. */
async function calmTenant(product: Product): Promise<Product> {
  const { json } = await product.api.post('/v1/auth/keys', { name: 'calm', namespace: 'calm' });
  return { ...product, adminKey: json.api_key, api: product.api.as(json.api_key) };
}

/**
 * Resolves with the latencies of calls. Checks at every tenth call whether there is still something
 * to measure.
 */
async function callsWhile(product: Product, goesOn: () => Promise<boolean>): Promise<number[]> {
  const times: number[] = [];
  while (times.length < CALLS && (times.length % 10 > 0 || (await goesOn()))) {
    times.push(await invokeOnce(product, 'hello', GREETING));
  }
  return times;
}
