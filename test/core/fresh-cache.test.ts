import test from 'ava';
import { freshCache } from '../../src/core/fresh-cache.js';

test('a value is loaded once while it is fresh', async (t) => {
  const cache = freshCache<number>();
  let loads = 0;
  const load = async () => ++loads;
  t.is(await cache.get('a', load), 1);
  t.is(await cache.get('a', load), 1);
});

test('concurrent callers share one load', async (t) => {
  const cache = freshCache<number>();
  let loads = 0;
  const load = async () => ++loads;
  t.deepEqual(await Promise.all([cache.get('a', load), cache.get('a', load)]), [1, 1]);
});

test('an absent value is not cached', async (t) => {
  const cache = freshCache<number>();
  t.is(await cache.get('a', async () => null), null);
  t.is(await cache.get('a', async () => 7), 7);
});

for (const [drops, expected] of [
  ['a key', ['new', 'old', 'old']],
  ['the keys with a prefix', ['new', 'new', 'old']],
  ['all keys', ['new', 'new', 'new']],
] as const) {
  test(`only what was dropped is loaded again: ${drops}`, async (t) => {
    const cache = freshCache<string>();
    const keys = ['ns/a', 'ns/ab', 'other/a'];
    for (const key of keys) await cache.get(key, async () => 'old');
    if (drops === 'a key') cache.drop('ns/a');
    else if (drops === 'all keys') cache.dropAll();
    else cache.dropPrefix('ns/');
    t.deepEqual(await Promise.all(keys.map((key) => cache.get(key, async () => 'new'))), expected);
  });
}

test('a value whose key is dropped while it loads is not cached', async (t) => {
  const cache = freshCache<string>();
  let finish: (value: string) => void = () => undefined;
  const first = cache.get('ns/a', () => new Promise((resolve) => (finish = resolve)));
  cache.dropPrefix('ns/');
  finish('old');
  t.is(await first, 'old');
  t.is(await cache.get('ns/a', async () => 'new'), 'new');
});

test('an expired value is returned while loading fails, and a new one when loading succeeds', async (t) => {
  const cache = freshCache<string>(0);
  await cache.get('a', async () => 'old');
  t.is(await cache.get('a', () => Promise.reject(new Error('away'))), 'old');
  t.is(await cache.get('a', async () => 'new'), 'new');
});

test('an expired value is returned while loading does not complete', async (t) => {
  const cache = freshCache<string>(0);
  await cache.get('a', async () => 'old');
  t.is(await cache.get('a', () => new Promise(() => undefined)), 'old');
});

test('a failed load rejects if no value is cached', async (t) => {
  const cache = freshCache<string>();
  await t.throwsAsync(
    cache.get('a', () => Promise.reject(new Error('away'))),
    { message: 'away' },
  );
});
