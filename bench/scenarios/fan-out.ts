import { guest } from '../../test/helpers/guests.js';
import { startBare } from '../bare.js';
import { CONTEST_COLUMNS, contest, heading } from '../figures.js';
import { deploy, type Product, startProduct } from '../product.js';
import { publish, timeDrain } from '../publish.js';
import { redisOf, type Setting } from './setting.js';

const FAN_OUT = 1000;

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

/** Adds triggers of one function, at most 1,024, all of which match the topic. */
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

/** Returns a unique pattern per index, with wildcards at the positions of its set bits. */
function patternFor(index: number): string {
  return FAN_OUT_TOPIC.split(':')
    .map((segment, bit) => ((index >> bit) & 1 ? '*' : segment))
    .join(':');
}
