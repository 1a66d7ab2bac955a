import { createHmac, randomUUID } from 'node:crypto';
import { guest } from '../../test/helpers/guests.js';
import { httpGuest } from '../../test/helpers/http-guest.js';
import { httpServer } from '../../test/helpers/http-server.js';
import { CONTEST_COLUMNS, contest, heading, median, row } from '../figures.js';
import { GREETING, invokeLoad, load } from '../load.js';
import { deploy, invokeOnce, type Product, startProduct } from '../product.js';
import { publish, timeDrain } from '../publish.js';
import { redisOf, type Setting } from './setting.js';

const RUN_MS = 2000;
const WARM_MS = 4000;
const EVENTS = 5000;
const FETCHES = 64;
const SECRET = 'a secret';

/**
 * HTTP functions compared with invoke and publish of the same guest, the cost of a signature, and
 * concurrent requests of one guest.
 */
export async function http(setting: Setting): Promise<void> {
  const redis = await redisOf(setting);
  const env = {
    EGRESS_ALLOW: '127.0.0.1',
    FUNCTIONS_PORT: '0',
    // Callers of public HTTP functions have no key, so the anonymous limit applies.
    ANON_RATE_LIMIT_PER_MINUTE: '1000000000',
  };
  const product = await startProduct({ topology: 'web + worker', redisUrl: redis.url, env });
  try {
    const { functions_url } = (await product.api.get('/v1/status')).json;
    const base = `${functions_url}/default`;
    await measureSync(product, base);
    await measureVerify(product, base);
    await measureAccept(product, base);
    await measureFetches(product, base);
  } finally {
    await product.close();
    await redis.close();
  }
}

const open = (settings: object = {}) => ({ http: { auth: 'none', ...settings } });

async function measureSync(product: Product, base: string): Promise<void> {
  await deploy(product, 'hello', await guest('hello.rs'), open());
  await invokeOnce(product, 'hello', GREETING);
  await invokeLoad(product, 'hello', { connections: 64, ms: WARM_MS });
  const call = { url: `${base}/hello`, body: GREETING };
  await load({ ...call, connections: 64, ms: WARM_MS });
  for (const connections of [1, 64]) {
    heading(`HTTP function beside invoke, Rust hello, ${connections} at once`, ...CONTEST_COLUMNS);
    await contest([
      { name: 'invoke', run: () => invokeLoad(product, 'hello', { connections, ms: RUN_MS }) },
      {
        name: 'HTTP function',
        against: 'invoke',
        run: () => load({ ...call, connections, ms: RUN_MS }),
      },
    ]);
  }
}

async function measureVerify(product: Product, base: string): Promise<void> {
  await product.api.put('/v1/functions/secrets', { name: 'HOOK', value: SECRET });
  const verify = { scheme: 'github', secret: 'HOOK' };
  await deploy(product, 'signed', await guest('hello.rs'), open({ verify }));
  const body = JSON.stringify({ filler: 'x'.repeat(10 * 1024) });
  const signature = `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`;
  const headers = { 'x-hub-signature-256': signature };
  const run = (name: string) => load({ url: `${base}/${name}`, body, headers, connections: 64, ms: RUN_MS });
  await run('signed');
  heading('Signature of a body of 10 KB, 64 at once', ...CONTEST_COLUMNS);
  await contest([
    { name: 'without verify', run: () => run('hello') },
    { name: 'verify: github', against: 'without verify', run: () => run('signed') },
  ]);
}

async function measureAccept(product: Product, base: string): Promise<void> {
  const wasm = await guest('hello.rs');
  await deploy(product, 'hook', wasm, open({ mode: 'async' }));
  await deploy(product, 'listener', wasm, { triggers: [{ topic: 'event' }] });
  const body = JSON.stringify({ topic: 'event', data: { name: 'World' } });
  const accept = async (run: () => ReturnType<typeof load>) => {
    product.processes[1]?.freeze();
    const figure = await run();
    await timeDrain(product);
    return figure;
  };
  const hook = () => load({ url: `${base}/hook`, body, connections: 64, amount: EVENTS });
  await accept(hook);
  heading(`${EVENTS} accepted, 64 at once`, ...CONTEST_COLUMNS);
  await contest([
    { name: 'published one by one', run: () => accept(() => publish(product, 'event', EVENTS)) },
    { name: 'async HTTP function', against: 'published one by one', run: () => accept(hook) },
  ]);
}

async function measureFetches(product: Product, base: string): Promise<void> {
  const slow = await httpServer((_request, response) => void setTimeout(() => response.end('ok'), 100));
  try {
    await deploy(product, 'fetching', await httpGuest(), open());
    const times: number[] = [];
    for (let run = 0; run < 10; run++) {
      const headers = { 'x-do': `fetch-all ${slow.url}/${randomUUID()}` };
      const { ok, ms } = (await (await fetch(`${base}/fetching`, { headers })).json()) as Fetched;
      if (ok !== FETCHES) throw new Error(`${ok} of ${FETCHES} requests were answered`);
      times.push(ms);
    }
    heading(`${FETCHES} requests of 100 ms in one guest`, 'median ms', 'first ms', 'most ms');
    row(...[median(times), times[0] ?? 0, Math.max(...times)].map((ms) => ms.toFixed(0)));
  } finally {
    await slow.close();
  }
}

interface Fetched {
  ok: number;
  ms: number;
}
