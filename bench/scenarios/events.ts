import { guest } from '../../test/helpers/guests.js';
import { startBare } from '../bare.js';
import { CONTEST_COLUMNS, contest, heading } from '../figures.js';
import { deploy, startProduct } from '../product.js';
import { BULK, publish, publishBatches, publishOverSocket, timeDrain } from '../publish.js';
import { redisOf, type Setting } from './setting.js';

const EVENTS = 20_000;

/**
 * Events accepted and drained. The worker is frozen until all are accepted, so that the two rates
 * are separate. Compared with addBulk and a no-op drain. Both sides have drained the same number
 * before.
 */
export async function events(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const bare = await startBare(redis.url, 'web + worker');
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url });
  const accept = async (how: typeof publish) => {
    product.processes[1]?.freeze();
    return how(product, 'event', EVENTS);
  };
  const acceptAndDrain = async (how: typeof publish) => {
    const figure = await accept(how);
    await timeDrain(product);
    return figure;
  };
  try {
    await deploy(product, 'listener', await guest('hello.rs'), { triggers: [{ topic: 'event' }] });
    await acceptAndDrain(publish);
    bare.freeze();
    await bare.add(EVENTS, BULK);
    await bare.drain();
    heading(`${EVENTS} events to one trigger, web + worker`, ...CONTEST_COLUMNS);
    // The order matters: each drain processes what the contender before it has accepted.
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
        run: () => accept(publish),
      },
      { name: 'drain, Rust hello', against: 'no-op drain', run: () => timeDrain(product) },
      {
        name: `published over HTTP in batches of ${BULK}`,
        against: `addBulk of ${BULK}`,
        run: () => acceptAndDrain(publishBatches),
      },
      {
        name: 'published over one WebSocket',
        against: `addBulk of ${BULK}`,
        run: () => acceptAndDrain(publishOverSocket),
      },
    ]);
  } finally {
    await product.close();
    await bare.close();
    await redis.close();
  }
}
