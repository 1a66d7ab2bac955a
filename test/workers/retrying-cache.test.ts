import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openCache } from '../../src/cache/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { retryingCache } from '../../workers/delivery/retrying-cache.js';
import { type RedisServerProcess, startRedis } from '../helpers/redis-server.js';

const ns = namespaceSchema.parse('default');
const bytes = (text: string) => Buffer.from(text);

async function started(t: { teardown(undo: () => Promise<void>): void }) {
  const server = await startRedis();
  t.teardown(() => server.close());
  const cache = await openCache({ driver: 'redis', url: server.url, maxBytes: 16 << 20 });
  t.teardown(() => cache.close());
  return { server, cache };
}

/**
 * An outage after which calls of a function still have a quarter of their two seconds, in
 * milliseconds.
 */
const SHORT_MS = 1500;

/**
 * Makes calls during an outage, and resolves with their results or their error. A busy machine may
 * end the outage after the calls have given up: then there is another one.
 */
async function during(
  outage: { begin(): Promise<void>; end(): Promise<void> },
  calls: (time: number) => Promise<unknown>,
): Promise<unknown> {
  for (let time = 0; ; time++) {
    await outage.begin();
    const begun = performance.now();
    const settled = calls(time).catch((error) => error);
    await outage.end();
    const isShort = performance.now() - begun < SHORT_MS;
    const result = await settled;
    if (isShort || !(result instanceof Error)) return result;
  }
}

const restart = (server: RedisServerProcess) => ({
  begin: () => server.kill(),
  async end() {
    await sleep(300);
    await server.restart();
  },
});

test('cache calls of a function wait until Redis has restarted', async (t) => {
  const { server, cache } = await started(t);
  await cache.set(ns, 'k', bytes('v'), 0);
  const results = await during(restart(server), async (time) => {
    const mine = retryingCache(cache);
    await mine.set(ns, 'made', bytes('while away'), 0);
    const counter = `n${time}`;
    return [
      String(await mine.get(ns, 'k')),
      await mine.increment(ns, counter, 2n),
      await mine.delete(ns, 'k'),
    ];
  });
  t.deepEqual(results, ['v', 2n, true]);
  t.is(String(await cache.get(ns, 'made')), 'while away');
});

test('while Redis is down, successive cache calls wait 2 s in total and fail with unavailable', async (t) => {
  const { server, cache } = await started(t);
  await server.kill();
  const mine = retryingCache(cache);
  const begun = Date.now();
  const sentence = 'The cache cannot be reached right now; try again in a moment.';
  for (let n = 0; n < 20; n += 1) {
    await t.throwsAsync(mine.get(ns, 'k'), { code: 'unavailable', message: sentence });
    await t.throwsAsync(mine.increment(ns, 'k', 1n), { code: 'unavailable', message: sentence });
  }
  const waited = Date.now() - begun;
  t.true(waited >= 1900 && waited < 20_000, `${waited} ms`);
});

test('a server that is connected but does not answer is waited for 2 s too, and no longer', async (t) => {
  const { server, cache } = await started(t);
  await cache.set(ns, 'k', bytes('v'), 0);
  server.freeze();
  const mine = retryingCache(cache);
  const begun = Date.now();
  // The commands of the connection time out after 2 s each.
  for (let n = 0; n < 12; n += 1) {
    const sentence = 'The cache cannot be reached right now; try again in a moment.';
    await t.throwsAsync(mine.get(ns, 'k'), { code: 'unavailable', message: sentence });
  }
  const waited = Date.now() - begun;
  // Two seconds for each call would be 24.
  t.true(waited >= 1900 && waited < 20_000, `${waited} ms`);
  server.thaw();
  t.is(String(await mine.get(ns, 'k')), 'v');
});

test('an increment that Redis answers a second late is counted once and succeeds', async (t) => {
  const { server, cache } = await started(t);
  const freeze = {
    begin: async () => server.freeze(),
    async end() {
      await sleep(1000);
      server.thaw();
    },
  };
  const result = await during(freeze, (time) => retryingCache(cache).increment(ns, `n${time}`, 2n));
  t.is(result, 2n);
});

test.serial('cache calls of many functions wait for Redis without a warning about listeners', async (t) => {
  const { server, cache } = await started(t);
  const warnings: string[] = [];
  const listen = ({ message }: Error) => warnings.push(message);
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  await cache.set(ns, 'k', bytes('v'), 0);
  const results = await during(restart(server), () =>
    Promise.all(Array.from({ length: 40 }, () => retryingCache(cache).get(ns, 'k'))),
  );
  t.deepEqual(
    results,
    Array.from({ length: 40 }, () => bytes('v')),
  );
  t.deepEqual(
    warnings.filter((message) => message.includes('listeners')),
    [],
  );
});

test('a cache call with an invalid value fails with invalid_request', async (t) => {
  const { cache } = await started(t);
  await cache.set(ns, 'text', bytes('abc'), 0);
  await t.throwsAsync(retryingCache(cache).increment(ns, 'text', 1n), { code: 'invalid_request' });
});
