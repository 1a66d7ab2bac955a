import { setTimeout as delay } from 'node:timers/promises';
import { guest } from '../../test/helpers/guests.js';
import { httpServer } from '../../test/helpers/http-server.js';
import { CONTEST_COLUMNS, contest, heading } from '../figures.js';
import { invokeLoad } from '../load.js';
import { deploy, invokeOnce, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

const WAIT_MS = 100;
/** With the default of 64 MB, WORKER_MEMORY_MB (2048) admits only 32 guests at once. */
const MEMORY_MB = 16;

/** Guests that call the cache, and guests that wait for a slow server, 64 at once. */
export async function hostCalls(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const slow = await httpServer((_request, response) => {
    setTimeout(() => response.end('done'), WAIT_MS);
  });
  const product = await startProduct({ redisUrl: redis.url, env: { EGRESS_ALLOW: '127.0.0.1' } });
  try {
    await deploy(product, 'guest', await guest('kitchen.c'), { memory_limit_mb: MEMORY_MB });
    await invokeOnce(product, 'guest', 'many-gets 1');
    await invokeLoad(product, 'guest', { input: 'many-gets 1', connections: 16 });
    heading('Host calls, all in one, 16 at once', ...CONTEST_COLUMNS);
    const gets = (count: number) => ({
      name: `${count} cache_get`,
      run: () => invokeLoad(product, 'guest', { input: `many-gets ${count}`, connections: 16 }),
    });
    await contest([
      gets(0),
      { ...gets(1), against: '0 cache_get' },
      { ...gets(10), against: '0 cache_get' },
      { ...gets(100), against: '0 cache_get' },
    ]);

    // The first guest that waits causes threads to be started for the others.
    await invokeOnce(product, 'guest', `fetch ${slow.url}/`);
    await delay(4000);
    const waiting = { input: `fetch ${slow.url}/`, connections: 64 };
    await invokeLoad(product, 'guest', { ...waiting, ms: 6000 });
    heading(`Guests waiting ${WAIT_MS} ms for an HTTP server, all in one, 64 at once`, ...CONTEST_COLUMNS);
    await contest([
      {
        name: 'http_fetch',
        run: () => invokeLoad(product, 'guest', { ...waiting, ms: 2000 }),
      },
    ]);
  } finally {
    await product.close();
    await slow.close();
    await redis.close();
  }
}
