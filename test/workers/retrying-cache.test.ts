import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openCache } from '../../src/cache/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { retryingCache } from '../../workers/delivery/retrying-cache.js';
import { startRedis } from '../helpers/redis-server.js';

const ns = namespaceSchema.parse('default');
const bytes = (text: string) => Buffer.from(text);

async function started(t: { teardown(undo: () => Promise<void>): void }) {
  const server = await startRedis();
  t.teardown(() => server.close());
  const cache = await openCache({ driver: 'redis', url: server.url, maxBytes: 16 << 20 });
  t.teardown(() => cache.close());
  return { server, cache };
}

test('cache calls of a function wait until Redis has restarted', async (t) => {
  const { server, cache } = await started(t);
  await cache.set(ns, 'k', bytes('v'), 0);
  await server.kill();
  const calls = (async () => {
    const mine = retryingCache(cache);
    await mine.set(ns, 'made', bytes('while away'), 0);
    return [String(await mine.get(ns, 'k')), await mine.increment(ns, 'n', 2n), await mine.delete(ns, 'k')];
  })();
  const failed = calls.catch((error) => error);
  await sleep(300);
  await server.restart();
  t.deepEqual(await failed, ['v', 2n, true]);
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
  for (let n = 0; n < 6; n += 1) {
    const sentence = 'The cache cannot be reached right now; try again in a moment.';
    await t.throwsAsync(mine.get(ns, 'k'), { code: 'unavailable', message: sentence });
  }
  const waited = Date.now() - begun;
  t.true(waited >= 1900 && waited < 8000, `${waited} ms`);
  server.thaw();
  t.is(String(await mine.get(ns, 'k')), 'v');
});

test('an increment that Redis answers a second late is counted once and succeeds', async (t) => {
  const { server, cache } = await started(t);
  await cache.increment(ns, 'n', 1n);
  server.freeze();
  const late = retryingCache(cache).increment(ns, 'n', 1n);
  const failed = late.catch((error) => error);
  await sleep(1000);
  server.thaw();
  t.is(await failed, 2n);
});

test.serial('cache calls of many functions wait for Redis without a warning about listeners', async (t) => {
  const { server, cache } = await started(t);
  const warnings: string[] = [];
  const listen = ({ message }: Error) => warnings.push(message);
  process.on('warning', listen);
  t.teardown(() => process.off('warning', listen));
  await cache.set(ns, 'k', bytes('v'), 0);
  await server.kill();
  const calls = Promise.all(Array.from({ length: 40 }, () => retryingCache(cache).get(ns, 'k')));
  const failed = calls.catch((error) => error);
  await sleep(300);
  await server.restart();
  t.deepEqual(
    await failed,
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
