import { on, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { guest } from '../../test/helpers/guests.js';
import { startBare } from '../bare.js';
import { CONTEST_COLUMNS, contest, type Figure, figureOf, heading } from '../figures.js';
import { load } from '../load.js';
import { deploy, left, type Product, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const EVENTS = 20_000;
const BULK = 50;
const FAN_OUT = 1000;

/**
 * Events accepted and drained, the worker standing still until all are accepted, so that each rate is its own. Beside it
 * addBulk and a no-op drain, and the same worker with a log that writes nothing.
 */
export async function events(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const bare = await startBare(redis.url, 'web + worker');
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url });
  const redisOfUnlogged = await redisOf(setting);
  const unlogged = await startProduct({
    topology: 'web + worker',
    redisUrl: redisOfUnlogged.url,
    workerModule: 'dist/bench/unlogged-worker.js',
  });
  const wasm = await guest('hello.rs');
  const publishEvents = (to: Product, count: number) => {
    to.processes[1]?.freeze();
    return publish(to, 'event', count);
  };
  try {
    for (const each of [product, unlogged]) {
      await deploy(each, 'listener', wasm, { triggers: [{ topic: 'event' }] });
      await publishEvents(each, 2000);
      await timeDrain(each);
    }
    unlogged.processes[1]?.freeze();
    await publishBatches(unlogged, 'event', 2000);
    await timeDrain(unlogged);
    bare.freeze();
    await bare.add(2000, BULK);
    await bare.drain();
    heading(`${EVENTS} events to one trigger, web + worker`, ...CONTEST_COLUMNS);
    // In this order: what one accepts, the one below it drains.
    await contest([
      {
        name: `addBulk of ${BULK}`,
        run() {
          bare.freeze();
          return bare.add(EVENTS, BULK);
        },
      },
      { name: 'no-op drain', run: () => bare.drain() },
      {
        name: 'published over HTTP, 64 at once',
        against: `addBulk of ${BULK}`,
        run: () => publishEvents(product, EVENTS),
      },
      { name: 'drain, Rust hello', against: 'no-op drain', run: () => timeDrain(product) },
      {
        name: `published over HTTP in batches of ${BULK}`,
        against: `addBulk of ${BULK}`,
        async run() {
          unlogged.processes[1]?.freeze();
          const figure = await publishBatches(unlogged, 'event', EVENTS);
          await timeDrain(unlogged);
          return figure;
        },
      },
      {
        name: 'published over one WebSocket',
        against: `addBulk of ${BULK}`,
        run() {
          unlogged.processes[1]?.freeze();
          return publishOverSocket(unlogged, 'event', EVENTS);
        },
      },
      { name: 'drain, no log written', against: 'drain, Rust hello', run: () => timeDrain(unlogged) },
    ]);
  } finally {
    await unlogged.close();
    await redisOfUnlogged.close();
    await product.close();
    await bare.close();
    await redis.close();
  }
}

export function publish(product: Product, topic: string, amount: number): Promise<Figure> {
  return load({
    url: `${product.url}/v1/pubsub/publish`,
    headers: { 'x-api-key': product.adminKey },
    body: JSON.stringify({ topic, data: { name: 'World' } }),
    connections: Math.min(64, amount),
    amount,
  });
}

/** As many in flight as addBulk has. */
async function publishBatches(product: Product, topic: string, amount: number): Promise<Figure> {
  const messages = Array.from({ length: BULK }, () => ({ topic, data: { name: 'World' } }));
  const figure = await load({
    url: `${product.url}/v1/pubsub/publish/batch`,
    headers: { 'x-api-key': product.adminKey },
    body: JSON.stringify({ messages }),
    connections: 4,
    amount: amount / BULK,
  });
  return { ...figure, perSecond: figure.perSecond * BULK };
}

/** All sent at once; each counts when its sender hears it, which is after it is durable. */
async function publishOverSocket(product: Product, topic: string, amount: number): Promise<Figure> {
  const url = `${product.url.replace(/^http/, 'ws')}/v1/pubsub/ws?topic=${topic}`;
  const ws = new WebSocket(url, { headers: { 'x-api-key': product.adminKey } });
  await once(ws, 'open');
  const latencies: number[] = [];
  let errors = 0;
  const began = performance.now();
  try {
    for (let sent = 0; sent < amount; sent++) ws.send(JSON.stringify({ name: 'World' }));
    for await (const [data] of on(ws, 'message', { close: ['close'] })) {
      if (JSON.parse(String(data)).error === undefined) latencies.push(performance.now() - began);
      else errors++;
      if (latencies.length + errors === amount) break;
    }
    return figureOf(latencies, performance.now() - began, errors);
  } finally {
    ws.close();
  }
}

/** From when the worker may go on until the queue is empty. */
export async function timeDrain(product: Product, downTo = 0): Promise<Figure> {
  const count = await left(product);
  const began = performance.now();
  product.processes[1]?.thaw();
  let now = count;
  let elapsed = 0;
  while (now > downTo) {
    // Asking costs the product as much as a few jobs do: seldom, until the end is near. How near is not known from the first few.
    const restMs = now === count ? 0 : ((now - downTo) * elapsed) / (count - now);
    await delay(Math.max(15, Math.min(restMs / 2, 200)));
    now = await left(product);
    elapsed = performance.now() - began;
  }
  return { ...figureOf([], elapsed), perSecond: ((count - now) * 1000) / elapsed };
}

/** One event with a thousand listeners. */
export async function fanOut(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const bare = await startBare(redis.url, 'web + worker');
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url });
  try {
    await deploy(product, 'listener', await guest('hello.rs'));
    await addListeners(product, 'listener', FAN_OUT);
    await publish(product, FAN_OUT_TOPIC, 1);
    await timeDrain(product);
    product.processes[1]?.freeze();
    bare.freeze();
    heading(`One event, ${FAN_OUT} triggers, web + worker`, ...CONTEST_COLUMNS);
    await contest([
      { name: `addBulk of ${FAN_OUT}`, run: () => bare.add(FAN_OUT, FAN_OUT) },
      {
        name: 'jobs of one publish accepted',
        against: `addBulk of ${FAN_OUT}`,
        run: async () => {
          const figure = await publish(product, FAN_OUT_TOPIC, 1);
          return { ...figure, perSecond: (FAN_OUT * 1000) / figure.p50 };
        },
      },
    ]);
    const drain = await timeDrain(product);
    console.log(`\nDrained with ${drain.perSecond.toFixed(0)} per second.`);
  } finally {
    await product.close();
    await bare.close();
    await redis.close();
  }
}

export const FAN_OUT_TOPIC = Array.from({ length: 10 }, (_, index) => `t${index}`).join(':');

/** Triggers of one function, all of which match the one topic; 1,024 at most. */
export async function addListeners(product: Product, name: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 50) {
    const adding = Array.from({ length: 50 }, (_, offset) =>
      product.api.post(`/v1/functions/${name}/triggers`, { topic: patternFor(index + offset) }),
    );
    for (const { status, text } of await Promise.all(adding)) {
      if (status !== 201) throw new Error(`a trigger was refused: ${text}`);
    }
  }
}

/** A pattern of its own for each, its wildcards where the number has ones. */
function patternFor(index: number): string {
  return FAN_OUT_TOPIC.split(':')
    .map((segment, bit) => ((index >> bit) & 1 ? '*' : segment))
    .join(':');
}
