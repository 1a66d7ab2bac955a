import { guestCall } from '../../test/helpers/engine.js';
import { guest } from '../../test/helpers/guests.js';
import { openEngine } from '../../workers/engine/engine.js';
import { startBare } from '../bare.js';
import { CONTEST_COLUMNS, contest, heading, repeat } from '../figures.js';
import { GREETING, invokeLoad, load } from '../load.js';
import { deploy, invokeOnce, Process, startProduct, type Topology } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const RUN_MS = 2000;
/** V8 continues to compile during some ten thousand calls. In milliseconds. */
const WARM_MS = 8000;

/**
 * Sync invocations over HTTP, compared with a BullMQ no-op round trip with the same number of
 * processes, with Koa alone, and with the runtime alone.
 */
export async function sync(setting: Setting): Promise<void> {
  for (const topology of ['web + worker', 'all in one'] as const) await syncIn(topology, setting);
}

async function syncIn(topology: Topology, setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const bare = await startBare(redis.url, topology);
  const koa = new Process(['dist/bench/koa-process.js'], {});
  const koaUrl = await koa.says(/listening on (http\S+)/);
  const product = await startProduct({ topology, redisUrl: redis.url });
  const rust = await guest('hello.rs');
  await deploy(product, 'rust', rust);
  await deploy(product, 'go', await guest('kitchen.go'));
  const engine = openEngine({ threads: 2, parked: 0 });
  const call = guestCall(rust, GREETING);
  try {
    for (const name of ['rust', 'go']) {
      await invokeOnce(product, name, GREETING);
      await invokeLoad(product, name, { connections: 64, ms: WARM_MS });
    }
    await bare.roundTrip(64, 1000);
    const pids = product.processes.map(({ pid }) => pid);
    for (const connections of [1, 64]) {
      heading(`Sync over HTTP, ${topology}, ${connections} at once`, ...CONTEST_COLUMNS);
      await contest([
        { name: 'BullMQ no-op round trip', pids: bare.pids, run: () => bare.roundTrip(connections, RUN_MS) },
        {
          name: 'Rust hello',
          against: 'BullMQ no-op round trip',
          pids,
          run: () => invokeLoad(product, 'rust', { connections, ms: RUN_MS }),
        },
        {
          name: 'Go hello',
          against: 'Rust hello',
          pids,
          run: () => invokeLoad(product, 'go', { connections, ms: RUN_MS }),
        },
        {
          name: 'Koa alone',
          pids: [koa.pid],
          run: () => load({ url: koaUrl, body: GREETING, connections, ms: RUN_MS / 2 }),
        },
        {
          name: 'the runtime alone, Rust',
          run: () => repeat(connections, RUN_MS / 2, () => engine.run({ ...call })),
        },
      ]);
    }
  } finally {
    await engine.close();
    await product.close();
    await koa.stop();
    await bare.close();
    await redis.close();
  }
}
