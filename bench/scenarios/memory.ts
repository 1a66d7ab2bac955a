import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { guest } from '../../test/helpers/guests.js';
import { heading, mebibytes, residentMb, row } from '../figures.js';
import { invokeLoad } from '../load.js';
import { deploy, type Product, startProduct } from '../product.js';
import { redisOf, type Setting } from './setting.js';

/** Long enough for garbage of the start to be collected, in milliseconds. */
const REST_MS = 20_000;
const INVOCATIONS = 10_000;

/** Resident memory: idle, and the growth from 10,000 to 20,000 invocations. */
export async function memory(setting: Setting): Promise<void> {
  heading('Resident memory, MB', 'process', 'idle', 'after 10,000 invocations', 'after 20,000', 'growth');
  const redis = await redisOf(setting);
  try {
    const product = await startProduct({ redisUrl: redis.url });
    const idle = await atRest(product);
    await deploy(product, 'rust', await guest('hello.rs'));
    const loaded: number[] = [];
    for (let part = 0; part < 2; part++) {
      await invokeLoad(product, 'rust', { connections: 64, amount: INVOCATIONS });
      loaded.push(await atRest(product));
    }
    await product.close();
    const [first = 0, second = 0] = loaded;
    row(
      'all in one on Redis',
      mebibytes(idle),
      mebibytes(first),
      mebibytes(second),
      `${((second / first - 1) * 100).toFixed(1)} %`,
    );
  } finally {
    await redis.close();
  }

  const dataDir = await mkdtemp(join(tmpdir(), 'orama-bench-'));
  try {
    for (const start of ['first', 'second']) {
      const product = await startProduct({ dataDir });
      row(`embedded, ${start} start`, mebibytes(await atRest(product)), '', '', '');
      await product.close();
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function atRest(product: Product): Promise<number> {
  await delay(REST_MS);
  return residentMb(product.processes[0]?.pid ?? 0);
}
