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

test('a dropped key is loaded again', async (t) => {
  const cache = freshCache<string>();
  await cache.get('ns/a', async () => 'old');
  cache.drop('ns/');
  t.is(await cache.get('ns/a', async () => 'new'), 'new');
});

test('a value whose key is dropped while it loads is not cached', async (t) => {
  const cache = freshCache<string>();
  let finish: (value: string) => void = () => undefined;
  const first = cache.get('ns/a', () => new Promise((resolve) => (finish = resolve)));
  cache.drop('ns/');
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
