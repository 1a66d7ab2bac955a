import test from 'ava';
import { openCache } from '../../src/cache/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { cacheConformance } from '../conformance/cache.js';

cacheConformance('memory', () => openCache({ driver: 'memory', maxBytes: 16 << 20 }));

const ns = namespaceSchema.parse('default');

test('beyond its bytes the entries used longest ago go', async (t) => {
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

test('a value larger than the whole cache is refused', async (t) => {
  const cache = await openCache({ driver: 'memory', maxBytes: 100_000 });
  await t.throwsAsync(cache.set(ns, 'huge', new Uint8Array(100_001), 0), { code: 'invalid_request' });
});
