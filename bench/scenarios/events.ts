import { setTimeout as delay } from 'node:timers/promises';
import { guest } from '../../test/helpers/guests.js';
import { type Bare, startBare } from '../bare.js';
import { CONTEST_COLUMNS, contest, type Figure, figureOf, heading } from '../figures.js';
import { load } from '../load.js';
import { deploy, left, type Product, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const EVENTS = 5000;
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
  try {
    await deploy(product, 'listener', await guest('hello.rs'), { triggers: [{ topic: 'event' }] });
    await publishAndDrain(product, bare, 1000);
    const accepted: Record<string, Figure[]> = { bare: [], ours: [] };
    const drained: Record<string, Figure[]> = { bare: [], ours: [] };
    for (let round = 0; round < 3; round++) {
      const figures = await publishAndDrain(product, bare, EVENTS);
      accepted.bare?.push(figures.bareAccept);
      accepted.ours?.push(figures.accept);
      drained.bare?.push(figures.bareDrain);
      drained.ours?.push(figures.drain);
    }
    const next = (figures: Figure[] = []) => {
      let index = 0;
      return async () => figures[index++] ?? figureOf([], 1);
    };
    heading(`${EVENTS} events to one trigger, web + worker`, ...CONTEST_COLUMNS);
    await contest([
      { name: `addBulk of ${BULK}`, run: next(accepted.bare) },
      { name: 'published over HTTP, 64 at once', against: `addBulk of ${BULK}`, run: next(accepted.ours) },
      { name: 'no-op drain', run: next(drained.bare) },
      { name: 'drain, Rust hello', against: 'no-op drain', run: next(drained.ours) },
    ]);
  } finally {
    await product.close();
    await bare.close();
    await redis.close();
  }
}

async function publishAndDrain(product: Product, bare: Bare, count: number) {
  const worker = product.processes[1];
  bare.freeze();
  const bareAccept = await bare.add(count, BULK);
  const bareDrain = await bare.drain();
  worker?.freeze();
  const accept = await publish(product, 'event', count);
  const drain = await timeDrain(product);
  return { bareAccept, bareDrain, accept, drain };
}

function publish(product: Product, topic: string, amount: number): Promise<Figure> {
  return load({
    url: `${product.url}/v1/pubsub/publish`,
    headers: { 'x-api-key': product.adminKey },
    body: JSON.stringify({ topic, data: { name: 'World' } }),
    connections: Math.min(64, amount),
    amount,
  });
}

/** From when the worker may go on until the queue is empty. */
export async function timeDrain(product: Product, downTo = 0): Promise<Figure> {
  const count = await left(product);
  const began = performance.now();
  product.processes[1]?.thaw();
  let now = count;
  while (now > downTo) {
    await delay(15);
    now = await left(product);
  }
  const elapsed = performance.now() - began;
  return { ...figureOf([], elapsed), perSecond: ((count - now) * 1000) / elapsed };
}

/** One event with a thousand listeners. */
export async function fanOut(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const bare = await startBare(redis.url, 'web + worker');
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url });
  try {
    await deploy(product, 'listener', await guest('hello.rs'));
    for (let index = 0; index < FAN_OUT; index += 50) {
      const adding = Array.from({ length: 50 }, (_, offset) =>
        product.api.post('/v1/functions/listener/triggers', { topic: topicFor(index + offset) }),
      );
      for (const { status, text } of await Promise.all(adding)) {
        if (status !== 201) throw new Error(`a trigger was refused: ${text}`);
      }
    }
    await publish(product, TOPIC, 1);
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
          const figure = await publish(product, TOPIC, 1);
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

const TOPIC = Array.from({ length: 10 }, (_, index) => `t${index}`).join(':');

/** A pattern of its own for each of 1,024 triggers, all of which match the one topic. */
function topicFor(index: number): string {
  return TOPIC.split(':')
    .map((segment, bit) => ((index >> bit) & 1 ? '*' : segment))
    .join(':');
}
