import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { mget } from '../../src/http/routes/cache.js';
import { commands } from '../helpers/probe.js';
import { until } from '../helpers/until.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

test('the cache endpoints and the functions of a namespace use the same cache', async (t) => {
  const api = await aTenantWithProbe(await engine());
  for (const value of ['text', { a: [1, null] }, 42, true, null]) {
    t.is((await api.post('/v1/cache/put', { dmap: 'm', key: 'k', value })).status, 200);
    t.deepEqual((await api.post('/v1/cache/get', { dmap: 'm', key: 'k' })).json, {
      dmap: 'm',
      key: 'k',
      value,
    });
  }
  await api.post('/v1/cache/put', { key: 'greeting', value: 'hello' });
  const read = await api.invoke('probe', commands({ op: 'cache_get', a: 'greeting' }));
  t.deepEqual(read.json, { results: ['hello'] });
  await api.invoke('probe', commands({ op: 'cache_set', a: 'made', b: 'inside' }));
  t.is((await api.post('/v1/cache/get', { dmap: 'default', key: 'made' })).json.value, 'inside');

  const missing = await api.post('/v1/cache/get', { dmap: 'other', key: 'k' });
  t.is(missing.status, 404);
  const many = await api.post('/v1/cache/mget', { keys: ['greeting', 'absent', 'made'] });
  t.deepEqual(many.json.results, [
    { key: 'greeting', value: 'hello' },
    { key: 'made', value: 'inside' },
  ]);
  const scan = await api.post('/v1/cache/scan', { dmap: 'm' });
  t.deepEqual(scan.json, { dmap: 'm', keys: ['k'], count: 1 });
  const deleted = await api.post('/v1/cache/delete', { dmap: 'm', key: 'k' });
  t.deepEqual(deleted.json, { status: 'ok', dmap: 'm', key: 'k' });
  t.is((await api.post('/v1/cache/delete', { dmap: 'm', key: 'k' })).status, 404);
  t.deepEqual((await api.get('/v1/cache/health')).json, {
    status: 'ok',
    service: 'olric',
    driver: 'memory',
  });
  for (const wrong of [
    { key: '' },
    { dmap: 'a/b', key: 'k' },
    { key: 'k', ttl: 'soon', value: 1 },
    { key: 'k' },
  ]) {
    t.is((await api.post('/v1/cache/put', wrong)).status, 400, JSON.stringify(wrong));
  }
});

test('a cache scan returns only the keys of its map that match the pattern; invalid patterns return 400', async (t) => {
  const api = await aTenant(await engine());
  for (const key of ['user-1', 'user-22', 'session-1', 'm:user-3']) {
    await api.post('/v1/cache/put', { dmap: 'm', key, value: 1 });
  }
  await api.post('/v1/cache/put', { dmap: 'other', key: 'user-9', value: 1 });
  const scan = async (body: object) => {
    const { json, text, status } = await api.post('/v1/cache/scan', { dmap: 'm', ...body });
    if (status !== 200) throw new Error(text);
    t.is(json.count, json.keys.length);
    return json.keys.sort();
  };
  t.deepEqual(await scan({ match: '^user-' }), ['user-1', 'user-22']);
  t.deepEqual(await scan({ match: '1$' }), ['session-1', 'user-1']);
  t.deepEqual(await scan({ pattern: '^user-' }), ['user-1', 'user-22']);
  t.deepEqual(await scan({ match: '(?i)^USER-\\d{2}$' }), ['user-22']);
  t.deepEqual(await scan({ match: 'nothing' }), []);
  t.deepEqual(await scan({ match: '-1$', prefix: 'user' }), ['user-1']);
  t.deepEqual(await scan({ match: '' }), ['m:user-3', 'session-1', 'user-1', 'user-22']);
  const first = await api.post('/v1/cache/scan', { dmap: 'm', match: 'user', limit: 2 });
  t.like(first.json, { count: 2, truncated: true });
  t.false('truncated' in (await api.post('/v1/cache/scan', { dmap: 'm', match: 'user', limit: 3 })).json);
  for (const match of ['(', '(?=a)', '(a)\\1', 'a'.repeat(513), 5, '(((a{30}){30}){30}){30}']) {
    const reply = await api.post('/v1/cache/scan', { dmap: 'm', match });
    t.is(reply.status, 400, `${match}: ${reply.text}`);
    t.regex(reply.json.error, /^match /);
  }
});

test('a cache ttl is a duration in Go syntax; other values return 400', async (t) => {
  const api = await aTenant(await engine());
  const put = async (ttl: unknown) => (await api.post('/v1/cache/put', { key: 'k', value: 1, ttl })).status;
  for (const ttl of ['5m', '1h30m', '1.5s', '250ms', '30', '0']) t.is(await put(ttl), 200, ttl);
  for (const ttl of ['', '5 m', '-1s', 'm', '1h30', 'soon', '1e3s', 5])
    t.is(await put(ttl), 400, String(ttl));
});

test('a cached value expires after its ttl', async (t) => {
  const api = await aTenant(await engine());
  await api.post('/v1/cache/put', { key: 'short', value: 'x', ttl: '1s' });
  await api.post('/v1/cache/put', { key: 'long', value: 'x', ttl: '5m' });
  await until('the expiry', async () => (await api.post('/v1/cache/get', { key: 'short' })).status === 404);
  t.is((await api.post('/v1/cache/get', { key: 'long' })).status, 200);
});

test('mget reads and returns a key once, however often it is in the list', async (t) => {
  const api = await aTenant(await engine());
  const value = 'x'.repeat(1_000_000);
  await api.post('/v1/cache/put', { key: 'large', value });
  const { status, json } = await api.post('/v1/cache/mget', {
    keys: Array.from({ length: 200 }, () => 'large'),
  });
  t.is(status, 200);
  t.is(json.count, 1);
  t.deepEqual(json.results, [{ key: 'large', value }]);
});

test('mget reads large values one at a time, and none that cannot fit in the reply', async (t) => {
  const sizes: Record<string, number> = { large: 5 << 20, larger: 7 << 20, huge: 40 << 20 };
  let held = 0;
  let most = 0;
  const cache = {
    async getUpTo(_namespace: string, key: string, maxBytes: number) {
      const size = sizes[key] ?? 10;
      if (size > maxBytes) return size;
      held += size;
      most = Math.max(most, held);
      await sleep(1);
      held -= size;
      return Buffer.alloc(size, '1');
    },
  };
  const read = (keys: string[]) =>
    mget.handle({ services: { cache }, namespace: 'default', body: { dmap: 'default', keys } } as never);
  await read(['a', 'large', 'b']);
  t.is(most, 5 << 20);
  most = 0;
  await t.throwsAsync(async () => read(['huge', 'large', 'larger']), { code: 'payload_too_large' });
  t.is(most, 0);
  await t.throwsAsync(async () => read(['large', 'larger', 'large']), { code: 'payload_too_large' });
  t.is(most, 7 << 20);
});

test('mget of values with more than 8 MB as JSON returns 413, and the values can be read in parts', async (t) => {
  const api = await aTenant(await engine());
  // Six bytes as JSON for each byte in the cache.
  const value = '\u0001'.repeat(170_000);
  const keys = Array.from({ length: 9 }, (_, index) => `key-${index}`);
  for (const key of keys) t.is((await api.post('/v1/cache/put', { key, value })).status, 200);
  const refused = await api.post('/v1/cache/mget', { keys });
  t.is(refused.status, 413);
  t.is(refused.json.code, 'payload_too_large');
  t.regex(refused.json.error, /8 MB.*fewer keys/);
  const { json } = await api.post('/v1/cache/mget', { keys: keys.slice(0, 8) });
  t.is(json.count, 8);
  t.true(json.results.every((one: { value: string }) => one.value === value));
});
