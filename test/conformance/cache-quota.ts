import test from 'ava';
import type { CacheLimits } from '../../src/cache/limits.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { isAppError } from '../../src/errors.js';
import type { Cache } from '../../src/ports/cache.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

const small = namespaceSchema.parse('small');
const counting = namespaceSchema.parse('counting');
const fading = namespaceSchema.parse('fading');
const crowd = namespaceSchema.parse('crowd');
const other = namespaceSchema.parse('other');
const LIMIT = 100_000;
const entry = () => new Uint8Array(9000);

/** The quota, as passed to a driver. */
export const limitOf: CacheLimits['limitOf'] = async (namespace) => (namespace === other ? 64 << 20 : LIMIT);

/**
 * Tests for every driver with a namespace that has a quota. `forgetsInTime`: expired entries no
 * longer count.
 */
export function cacheQuotaConformance(
  driver: string,
  open: () => Promise<Cache>,
  { forgetsInTime = true } = {},
): void {
  let cache: Cache;
  test.serial.before(async () => {
    cache = await open();
  });
  test.serial.after.always(() => cache?.close());

  test(`${driver}: a write over the quota of a namespace fails with 413 and affects no entry or other namespace`, async (t) => {
    await cache.set(other, 'mine', Buffer.from('kept'), 0);
    for (let at = 0; at < 10; at += 1) await cache.set(small, `k${at}`, entry(), 0);
    const error = await t.throwsAsync(cache.set(small, 'k10', new Uint8Array(20_000), 0));
    t.true(isAppError(error, 'quota_exceeded') && error.status === 413, String(error));
    t.regex(error.message, /cache_mb of namespace "small"/);
    t.is(await cache.get(small, 'k10'), null);
    t.is((await cache.get(small, 'k0'))?.length, 9000);
    await t.notThrowsAsync(cache.set(other, 'big', new Uint8Array(200_000), 0));
    t.is(Buffer.from((await cache.get(other, 'mine')) ?? []).toString(), 'kept');
    const used = await cache.bytes(small);
    t.true(used >= 90_000 && used <= LIMIT, String(used));

    // An entry can be overwritten, and deleting entries frees space.
    await t.notThrowsAsync(cache.set(small, 'k1', Buffer.from('shorter'), 0));
    t.true(await cache.delete(small, 'k2'));
    t.true(await cache.delete(small, 'k3'));
    await until('the write succeeds', async () => {
      try {
        await cache.set(small, 'k10', new Uint8Array(20_000), 0);
        return true;
      } catch {
        return false;
      }
    });
  });

  test(`${driver}: counters count against the quota, and existing counters can still be incremented`, async (t) => {
    let counters = 0;
    let refused: unknown = null;
    while (refused === null && counters < 2000) {
      try {
        await cache.increment(counting, `counter-${counters}`, 1n);
        counters += 1;
      } catch (error) {
        refused = error;
      }
    }
    t.true(isAppError(refused, 'quota_exceeded'), String(refused));
    t.true(counters > 100 && counters < 1000, String(counters));
    t.is(await cache.increment(counting, 'counter-0', 41n), 42n);
  });

  test(`${driver}: concurrent writes together do not exceed the quota`, async (t) => {
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, at) => cache.set(crowd, `c${at}`, entry(), 0)),
    );
    const stored = results.filter(({ status }) => status === 'fulfilled').length;
    t.true(stored >= 9 && stored <= 11, String(stored));
  });

  if (!forgetsInTime) return;
  test(`${driver}: expired entries no longer count against the quota`, async (t) => {
    await Promise.all(Array.from({ length: 10 }, (_, at) => cache.set(fading, `k${at}`, entry(), 6)));
    await t.throwsAsync(cache.set(fading, 'more', new Uint8Array(20_000), 0), { code: 'quota_exceeded' });
    await until('the write succeeds again', () =>
      succeeds(cache.set(fading, 'more', new Uint8Array(20_000), 0)),
    );
    await until('the first entry has expired', async () => (await cache.get(fading, 'k0')) === null);
    t.is(await cache.increment(fading, 'k0', 1n), 1n);
  });
}
