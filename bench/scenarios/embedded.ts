import { guest } from '../../test/helpers/guests.js';
import { CONTEST_COLUMNS, type Contender, contest, figureOf, heading } from '../figures.js';
import { GREETING, invokeLoad } from '../load.js';
import { deploy, invokeOnce, type Product, startProduct } from '../product.js';
import { publishBatches, timeDrain } from '../publish.js';
import { redisOf, type Setting } from './setting.js';

const EVENTS = 20_000;
const RUN_MS = 2000;
const WARM_MS = 5000;
const REDIS = 'Redis';

/** Embedded, compared in turns with the same process on Redis. */
export async function embedded(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const beside = await startProduct({ redisUrl: redis.url });
  const own = await startProduct({});
  try {
    for (const product of [beside, own]) {
      await deploy(product, 'rust', await guest('hello.rs'));
      await deploy(product, 'listener', await guest('hello.rs'), { triggers: [{ topic: 'event' }] });
      await invokeOnce(product, 'rust', GREETING);
      await invokeLoad(product, 'rust', { connections: 64, ms: WARM_MS });
    }
    const both = (name: string, run: (product: Product) => ReturnType<Contender['run']>): Contender[] => [
      { name: `${name}, ${REDIS}`, pids: pidsOf(beside), run: () => run(beside) },
      { name: `${name}, embedded`, against: `${name}, ${REDIS}`, pids: pidsOf(own), run: () => run(own) },
    ];
    heading('Sync over HTTP, Rust hello, all in one', ...CONTEST_COLUMNS);
    for (const connections of [1, 64]) {
      await contest(
        both(`${connections} at once`, (product) => invokeLoad(product, 'rust', { connections, ms: RUN_MS })),
      );
    }
    heading(`${EVENTS} events to one trigger, all in one`, ...CONTEST_COLUMNS);
    const accept = async (product: Product) => {
      const figure = await publishBatches(product, 'event', EVENTS);
      await timeDrain(product);
      return figure;
    };
    const acceptAndDrain = async (product: Product) => {
      const began = performance.now();
      await accept(product);
      const elapsed = performance.now() - began;
      return { ...figureOf([], elapsed), perSecond: (EVENTS * 1000) / elapsed };
    };
    await contest(both('published in batches', accept));
    await contest(both('published and drained', acceptAndDrain));
  } finally {
    await own.close();
    await beside.close();
    await redis.close();
  }
}

function pidsOf(product: Product): number[] {
  return product.processes.map(({ pid }) => pid);
}
