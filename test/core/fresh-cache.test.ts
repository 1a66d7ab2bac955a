import test from 'ava';
import { freshCache } from '../../src/core/fresh-cache.js';

test('a value is loaded once while it is fresh', async (t) => {
  const cache = freshCache<number>();
  let loads = 0;
  const load = async () => ++loads;
  t.is(await cache.get('a', load), 1);
  t.is(await cache.get('a', load), 1);
});

test('callers that come while a value is loading share the load', async (t) => {
  const cache = freshCache<number>();
  let loads = 0;
  const load = async () => ++loads;
  t.deepEqual(await Promise.all([cache.get('a', load), cache.get('a', load)]), [1, 1]);
});

test('that something is absent is never remembered', async (t) => {
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

test('what was being loaded when its key was dropped is kept for nobody', async (t) => {
  const cache = freshCache<string>();
  let finish: (value: string) => void = () => undefined;
  const first = cache.get('ns/a', () => new Promise((resolve) => (finish = resolve)));
  cache.drop('ns/');
  finish('old');
  t.is(await first, 'old');
  t.is(await cache.get('ns/a', async () => 'new'), 'new');
});

test('an old value is given while the store fails, and a new one as soon as it answers', async (t) => {
  const cache = freshCache<string>(0);
  await cache.get('a', async () => 'old');
  t.is(await cache.get('a', () => Promise.reject(new Error('away'))), 'old');
  t.is(await cache.get('a', async () => 'new'), 'new');
});

test('an old value is given while the store hangs', async (t) => {
  const cache = freshCache<string>(0);
  await cache.get('a', async () => 'old');
  t.is(await cache.get('a', () => new Promise(() => undefined)), 'old');
});

test('without an old value the failure of the store is the answer', async (t) => {
  const cache = freshCache<string>();
  await t.throwsAsync(
    cache.get('a', () => Promise.reject(new Error('away'))),
    { message: 'away' },
  );
});
