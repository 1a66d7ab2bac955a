import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { namespaceSchema } from '../../src/contract/ids.js';
import { AppError } from '../../src/errors.js';
import type { Cache } from '../../src/ports/cache.js';
import { sameBytes } from '../helpers/same-bytes.js';
import { until } from '../helpers/until.js';

const text = (value: string) => new TextEncoder().encode(value);
const a = namespaceSchema.parse('a');
const b = namespaceSchema.parse('b');
const refusal = new AppError('invalid_request', 'The filter refuses.');

/**
 * Tests for every driver of the Cache port. `tellsSizes`: `getUpTo` does not send larger values.
 * `forgetsInTime`: `scan` lists no expired entries.
 */
export function cacheConformance(
  driver: string,
  open: () => Promise<Cache>,
  { name = driver, tellsSizes = true, forgetsInTime = true } = {},
): void {
  let cache: Cache;
  test.serial.before(async () => {
    cache = await open();
  });
  test.serial.after.always(() => cache?.close());

  const read = async (namespace: typeof a, key: string) => {
    const value = await cache.get(namespace, key);
    return value === null ? null : Buffer.from(value).toString();
  };

  test(`${driver}: the driver property equals the configured driver name`, (t) => {
    t.is(cache.driver, name);
  });

  test(`${driver}: get returns the last value set, and null for an unknown key`, async (t) => {
    t.is(await cache.get(a, 'absent'), null);
    await cache.set(a, 'greeting', text('hello'), 0);
    t.is(await read(a, 'greeting'), 'hello');
    await cache.set(a, 'greeting', text('bye'), 0);
    t.is(await read(a, 'greeting'), 'bye');
  });

  test(`${driver}: getUpTo returns a value up to a size, the size of a larger one, and null for an unknown key`, async (t) => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
    await cache.set(a, 'sized', bytes, 0);
    await cache.set(a, 'nothing', new Uint8Array(0), 0);
    for (const max of [1000, 100_000]) {
      sameBytes(t, Buffer.from((await cache.getUpTo(a, 'sized', max)) as Uint8Array), bytes);
    }
    const larger = await cache.getUpTo(a, 'sized', 999);
    if (tellsSizes) t.is(larger, 1000);
    else sameBytes(t, Buffer.from(larger as Uint8Array), bytes);
    t.is(((await cache.getUpTo(a, 'nothing', 0)) as Uint8Array).length, 0);
    t.is(await cache.getUpTo(a, 'absent', 0), null);
    t.is(await cache.getUpTo(b, 'sized', 100), null);
    await t.throwsAsync(cache.getUpTo(a, '\ud800', 100), { code: 'invalid_request' });
  });

  test(`${driver}: arbitrary bytes and an empty value are read back unchanged`, async (t) => {
    const bytes = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
    await cache.set(a, 'bytes', bytes, 0);
    sameBytes(t, Buffer.from((await cache.get(a, 'bytes')) ?? []), bytes);
    await cache.set(a, 'empty', new Uint8Array(0), 0);
    t.is((await cache.get(a, 'empty'))?.length, 0);
  });

  test(`${driver}: changing the buffer passed to set or returned by get does not change the stored value`, async (t) => {
    const bytes = text('first');
    const set = cache.set(a, 'copied', bytes, 0);
    await set;
    bytes.fill(0);
    (await cache.get(a, 'copied'))?.fill(0);
    t.is(await read(a, 'copied'), 'first');
  });

  test(`${driver}: keys with special, non-ASCII and pattern characters are distinct`, async (t) => {
    const keys = [
      'k',
      'k:',
      ':k',
      'k:k',
      'K',
      'ключ',
      '🔑',
      'a b',
      'line\nbreak',
      '*',
      'k*',
      '[k]',
      '\\',
      '{x}',
      '%3A',
    ];
    for (const key of keys) await cache.set(a, `odd/${key}`, text(key), 0);
    for (const key of keys) t.is(await read(a, `odd/${key}`), key);
  });

  test(`${driver}: keys of two namespaces are separate, even with the other namespace in the key`, async (t) => {
    await cache.set(a, 'x', text('of a'), 0);
    await cache.set(b, 'x', text('of b'), 0);
    t.is(await read(a, 'x'), 'of a');
    t.is(await read(b, 'x'), 'of b');
    await cache.set(a, 'b:y', text('of a'), 0);
    t.is(await cache.get(b, 'y'), null);
    t.is(await cache.get(namespaceSchema.parse('a-b'), 'y'), null);
    t.true(await cache.delete(a, 'x'));
    t.is(await read(b, 'x'), 'of b');
    await cache.increment(a, 'n', 5n);
    t.is(await cache.increment(b, 'n', 1n), 1n);
  });

  test(`${driver}: an entry expires after its TTL, and entries with a longer or no TTL are kept`, async (t) => {
    await cache.set(a, 'short', text('v'), 5);
    await cache.set(a, 'long', text('v'), 3600);
    await cache.set(a, 'forever', text('v'), 0);
    t.is(await read(a, 'short'), 'v');
    await until('the entry has expired', async () => (await cache.get(a, 'short')) === null);
    t.false(await cache.delete(a, 'short'));
    t.is(await read(a, 'long'), 'v');
    t.is(await read(a, 'forever'), 'v');
  });

  test(`${driver}: setting a key again replaces its TTL`, async (t) => {
    await cache.set(a, 'renewed', text('v'), 1);
    await cache.set(a, 'renewed', text('w'), 0);
    await sleep(1500);
    t.is(await read(a, 'renewed'), 'w');
  });

  for (const ttl of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    test(`${driver}: a TTL of ${ttl} is rejected`, async (t) => {
      await t.throwsAsync(cache.set(a, 'k', text('v'), ttl), { code: 'invalid_request' });
    });
  }

  test(`${driver}: a key with an unpaired surrogate is rejected`, async (t) => {
    await t.throwsAsync(cache.set(a, '\ud800', text('v'), 0), { code: 'invalid_request' });
    await t.throwsAsync(cache.get(a, '\ud800'), { code: 'invalid_request' });
  });

  test(`${driver}: increment starts at 0, accepts negative steps and stores the value as decimal text`, async (t) => {
    t.is(await cache.increment(a, 'count', 1n), 1n);
    t.is(await cache.increment(a, 'count', 41n), 42n);
    t.is(await cache.increment(a, 'count', -50n), -8n);
    t.is(await cache.increment(a, 'count', 0n), -8n);
    t.is(await read(a, 'count'), '-8');
    await cache.set(a, 'count', text('100'), 0);
    t.is(await cache.increment(a, 'count', 1n), 101n);
  });

  test(`${driver}: 200 concurrent increments are all counted and return distinct results`, async (t) => {
    const results = await Promise.all(Array.from({ length: 200 }, () => cache.increment(a, 'busy', 1n)));
    t.is(new Set(results).size, 200);
    t.is(await cache.increment(a, 'busy', 0n), 200n);
  });

  test(`${driver}: counters are exact over 64 bits, and an increment that overflows is rejected`, async (t) => {
    const big = 2n ** 53n + 1n;
    t.is(await cache.increment(a, 'big', big), big);
    t.is(await cache.increment(a, 'big', 2n ** 63n - 1n - big), 2n ** 63n - 1n);
    await t.throwsAsync(cache.increment(a, 'big', 1n), { code: 'invalid_request' });
    t.is(await cache.increment(a, 'big', 0n), 2n ** 63n - 1n);
    t.is(await cache.increment(a, 'low', -(2n ** 63n) + 1n), -(2n ** 63n) + 1n);
    await t.throwsAsync(cache.increment(a, 'low', -2n), { code: 'invalid_request' });
  });

  test(`${driver}: increment of a value that is not an integer is rejected, and the value is unchanged`, async (t) => {
    for (const value of ['hello', '1.5', '', ' 1', '1 ', '99999999999999999999', '0x10']) {
      await cache.set(a, 'word', text(value), 0);
      await t.throwsAsync(cache.increment(a, 'word', 1n), { code: 'invalid_request' }, JSON.stringify(value));
      t.is(await read(a, 'word'), value);
    }
  });

  test(`${driver}: increment keeps the TTL of the key`, async (t) => {
    await cache.set(a, 'fading', text('1'), 5);
    t.is(await cache.increment(a, 'fading', 1n), 2n);
    await until('the counter has expired', async () => (await cache.get(a, 'fading')) === null);
    t.is(await cache.increment(a, 'fading', 1n), 1n);
  });

  test(`${driver}: delete returns whether the key existed`, async (t) => {
    await cache.set(a, 'doomed', text('v'), 0);
    t.true(await cache.delete(a, 'doomed'));
    t.false(await cache.delete(a, 'doomed'));
    t.is(await cache.get(a, 'doomed'), null);
  });

  test(`${driver}: scan returns the namespace's keys with a literal prefix, up to the limit`, async (t) => {
    const scanned = namespaceSchema.parse('scanned');
    for (const key of ['user:1', 'user:2', 'user:3', 'users', 'us*r:9', 'other']) {
      await cache.set(scanned, key, text('v'), 0);
    }
    await cache.set(b, 'user:4', text('v'), 0);
    t.deepEqual((await cache.scan(scanned, 'user:', 100)).sort(), ['user:1', 'user:2', 'user:3']);
    t.deepEqual(await cache.scan(scanned, 'us*', 100), ['us*r:9']);
    t.is((await cache.scan(scanned, '', 100)).length, 6);
    t.is((await cache.scan(scanned, '', 2)).length, 2);
    t.deepEqual(await cache.scan(scanned, 'none', 100), []);
    t.deepEqual(await cache.scan(namespaceSchema.parse('scan'), '', 100), []);
  });

  test(`${driver}: scan returns entries with and without TTL and counters, but none that was deleted or has expired`, async (t) => {
    const listed = namespaceSchema.parse('listed');
    const keys = async () => (await cache.scan(listed, 'x', 100)).sort();
    await cache.set(listed, 'x-long', text('v'), 3600);
    await cache.set(listed, 'x-forever', text('v'), 0);
    await cache.set(listed, 'x-deleted', text('v'), 0);
    await cache.increment(listed, 'x-counter', 1n);
    await cache.delete(listed, 'x-deleted');
    await cache.set(listed, 'x-brief', text('v'), 5);
    await cache.set(listed, 'x-prolonged', text('v'), 1);
    await cache.set(listed, 'x-prolonged', text('v'), 0);
    const kept = ['x-counter', 'x-forever', 'x-long', 'x-prolonged'];
    t.deepEqual(await keys(), ['x-brief', ...kept]);
    await until('the entry has expired', async () => (await cache.get(listed, 'x-brief')) === null);
    if (forgetsInTime) t.deepEqual(await keys(), kept);
    await cache.increment(listed, 'x-brief', 1n);
    t.deepEqual(await keys(), ['x-brief', ...kept]);
  });

  test(`${driver}: scan returns all of ten thousand keys once, and those with special characters in the prefix`, async (t) => {
    const many = namespaceSchema.parse('many');
    const keys = Array.from({ length: 10_000 }, (_, n) => `${n % 2 ? '[k]*?\\^-' : 't'}${n}`);
    for (let from = 0; from < keys.length; from += 500) {
      await Promise.all(keys.slice(from, from + 500).map((key) => cache.set(many, key, text('v'), 0)));
    }
    t.deepEqual((await cache.scan(many, '', 20_000)).sort(), [...keys].sort());
    const odd = keys.filter((key) => key.startsWith('['));
    t.deepEqual((await cache.scan(many, '[k]*?\\^-', 20_000)).sort(), odd.sort());
    t.is(new Set(await cache.scan(many, 't', 1234)).size, 1234);
  });

  test(`${driver}: scan applies the filter before the limit and rejects when the filter rejects`, async (t) => {
    const filtered = namespaceSchema.parse('filtered');
    for (let at = 0; at < 30; at += 1) await cache.set(filtered, `key-${at}`, text('v'), 0);
    const seen: string[] = [];
    const even = async (keys: readonly string[]) => {
      seen.push(...keys);
      return keys.filter((key) => Number(key.slice(4)) % 2 === 0);
    };
    const found = await cache.scan(filtered, 'key-', 100, even);
    t.is(new Set(found).size, 15);
    t.true(found.every((key) => Number(key.slice(4)) % 2 === 0));
    t.is(new Set(seen).size, 30);
    t.is((await cache.scan(filtered, 'key-', 4, even)).length, 4);
    const refusing = cache.scan(filtered, '', 100, () => Promise.reject(refusal));
    t.is(await refusing.catch((error) => error), refusal);
  });

  test(`${driver}: ping succeeds on a healthy cache`, async (t) => {
    await t.notThrowsAsync(cache.ping());
  });
}
