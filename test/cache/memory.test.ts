import test from 'ava';
import { openCache } from '../../src/cache/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { cacheConformance } from '../conformance/cache.js';
import { cacheQuotaConformance, limitOf } from '../conformance/cache-quota.js';

cacheConformance('memory', () => openCache({ driver: 'memory', maxBytes: 16 << 20 }));
cacheQuotaConformance('memory', () => openCache({ driver: 'memory', maxBytes: 16 << 20, limitOf }));

const ns = namespaceSchema.parse('default');

test('a full cache evicts the least recently used entries', async (t) => {
  const cache = await openCache({ driver: 'memory', maxBytes: 100_000 });
  await cache.set(ns, 'kept in use', new Uint8Array(10_000), 0);
  for (let i = 0; i < 50; i += 1) {
    await cache.set(ns, `filler ${i}`, new Uint8Array(10_000), 0);
    t.not(await cache.get(ns, 'kept in use'), null);
  }
  t.is(await cache.get(ns, 'filler 0'), null);
  t.not(await cache.get(ns, 'filler 49'), null);
  t.true((await cache.scan(ns, '', 1000)).length < 10);
});

test('a namespace that fills the cache evicts its own entries and not those of other namespaces', async (t) => {
  const cache = await openCache({ driver: 'memory', maxBytes: 1_000_000 });
  const victim = namespaceSchema.parse('victim');
  await cache.set(victim, 'precious', new Uint8Array(50_000), 0);
  for (let at = 0; at < 500; at += 1) await cache.set(ns, `flood-${at}`, new Uint8Array(20_000), 0);
  t.is((await cache.get(victim, 'precious'))?.length, 50_000);
  t.true((await cache.bytes(ns)) + (await cache.bytes(victim)) <= 1_000_000);
});

test('a value larger than the whole cache is rejected', async (t) => {
  const cache = await openCache({ driver: 'memory', maxBytes: 100_000 });
  await t.throwsAsync(cache.set(ns, 'huge', new Uint8Array(100_001), 0), { code: 'invalid_request' });
});

test('get returns a copy of a counter, and neither it nor the entry keeps other memory', async (t) => {
  const cache = await openCache({ driver: 'memory', maxBytes: 100_000 });
  await cache.increment(ns, 'counter', 41n);
  const copy = await cache.get(ns, 'counter');
  t.is(copy?.buffer.byteLength, 2);
  copy?.fill(0);
  t.is(await cache.increment(ns, 'counter', 1n), 42n);
});
