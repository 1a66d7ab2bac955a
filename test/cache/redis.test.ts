import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { openCache } from '../../src/cache/open.js';
import { namespaceSchema } from '../../src/contract/ids.js';
import { cacheConformance } from '../conformance/cache.js';
import { cacheQuotaConformance, limitOf } from '../conformance/cache-quota.js';
import { redisSettingConformance } from '../conformance/redis-setting.js';
import { freePort } from '../helpers/free-port.js';
import { startRedisCluster } from '../helpers/redis-cluster.js';
import { startRedis } from '../helpers/redis-server.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';

// No fsync: data need not survive the server, and it would make the suite slow.
const server = await startRedis(['--appendonly', 'no']);
const cluster = await startRedisCluster();
test.after.always(async () => {
  await server.close();
  await cluster.close();
});

const open = (url: string) => openCache({ driver: 'redis', url, maxBytes: 64 << 20 });
const ns = namespaceSchema.parse('default');

cacheConformance('redis', () => open(server.url));
cacheConformance('redis cluster', () => open(cluster.url), { name: 'redis' });
const openBounded = (url: string) => openCache({ driver: 'redis', url, maxBytes: 64 << 20, limitOf });
cacheQuotaConformance('redis', () => openBounded(server.url));
cacheQuotaConformance('redis cluster', () => openBounded(cluster.url));
redisSettingConformance('redis', 'REDIS_URL', open);

test('the password of the URL is used to authenticate, and a wrong one fails at start', async (t) => {
  const locked = await startRedis();
  t.teardown(() => locked.close());
  const admin = new Redis(locked.url);
  await admin.config('SET', 'requirepass', 'pass/word?');
  admin.disconnect();
  const url = new URL(locked.url);
  url.password = 'pass/word?';
  const cache = await open(url.href);
  await t.notThrowsAsync(cache.ping());
  await cache.close();
  url.password = 'wrong';
  const error = await t.throwsAsync(open(url.href), { code: 'bad_config', message: /REDIS_URL/ });
  t.false(error?.message.includes('wrong'));
});

test('calls fail with unavailable and have no effect while Redis is down, and succeed after its restart', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const cache = await open(own.url);
  t.teardown(() => cache.close());
  await cache.set(ns, 'k', Buffer.from('v'), 0);
  await own.kill();
  await t.throwsAsync(cache.get(ns, 'k'), { code: 'unavailable' });
  await t.throwsAsync(cache.set(ns, 'k', Buffer.from('w'), 0), { code: 'unavailable' });
  await t.throwsAsync(cache.increment(ns, 'n', 1n), { code: 'unavailable' });
  await t.throwsAsync(cache.ping(), { code: 'unavailable' });
  await own.restart();
  await until('the cache is available again', () => succeeds(cache.ping()));
  // Operations that were refused during the outage must not have taken effect.
  t.is(Buffer.from((await cache.get(ns, 'k')) ?? []).toString(), 'v');
  t.is(await cache.increment(ns, 'n', 1n), 1n);
});

test('calls fail with unavailable while Redis does not respond, and succeed again when it does', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const cache = await open(own.url);
  t.teardown(() => cache.close());
  own.freeze();
  await t.throwsAsync(cache.get(ns, 'k'), { code: 'unavailable' });
  own.thaw();
  await until('the cache is available again', () => succeeds(cache.ping()));
  t.is(await cache.get(ns, 'k'), null);
});

test('a Redis Cluster without assigned slots fails at start with an error that names REDIS_URL', async (t) => {
  const slotless = await startRedis([
    ...['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
    ...['--cluster-port', String(await freePort())],
  ]);
  t.teardown(() => slotless.close());
  await t.throwsAsync(open(slotless.url), { code: 'bad_config', message: /REDIS_URL/ });
});

test('a cache over maxBytes evicts keys of the largest namespace and keeps all other Redis keys', async (t) => {
  const own = await startRedis(['--appendonly', 'no']);
  t.teardown(() => own.close());
  const cache = await openCache({ driver: 'redis', url: own.url, maxBytes: 8 << 20 });
  t.teardown(() => cache.close());
  const redis = new Redis(own.url);
  t.teardown(() => redis.disconnect());
  await redis.set('{orama}:calls:job', 'of the queue');
  const victim = namespaceSchema.parse('victim');
  await cache.set(victim, 'precious', Buffer.from('v'), 0);
  for (let at = 0; at < 100; at += 1) await cache.set(ns, `flood-${at}`, new Uint8Array(500_000), 0);
  await until('the cache is within its share', async () => (await cache.bytes(ns)) <= 8 << 20);
  t.true((await cache.bytes(ns)) > 1 << 20, 'more was evicted than necessary');
  t.is(Buffer.from((await cache.get(victim, 'precious')) ?? []).toString(), 'v');
  t.is(await redis.get('{orama}:calls:job'), 'of the queue');
  const keys = await redis.keys('orama:cache:{default}:*');
  t.true(keys.length < 20, String(keys.length));
});

test('a cache over maxBytes evicts counters, and a deletion reduces its recorded size', async (t) => {
  const own = await startRedis(['--appendonly', 'no']);
  t.teardown(() => own.close());
  const cache = await openCache({ driver: 'redis', url: own.url, maxBytes: 100_000 });
  t.teardown(() => cache.close());
  const redis = new Redis(own.url);
  t.teardown(() => redis.disconnect());
  const recorded = async () => redis.zscore('orama:cache-totals', ns);
  for (let at = 0; at < 1000; at += 1) await cache.increment(ns, `counter-${at}`, 1n);
  await until('the cache is within its share', async () => (await cache.bytes(ns)) <= 100_000);
  t.true((await cache.bytes(ns)) > 10_000, 'more was evicted than necessary');
  t.not(await recorded(), null);
  for (const key of await cache.scan(ns, '', 1000)) await cache.delete(ns, key);
  await until('no size is recorded', async () => (await recorded()) === null);
});

test('the cache evicts entries near the maxmemory of Redis, even below maxBytes, so that writes succeed', async (t) => {
  const own = await startRedis(['--appendonly', 'no', '--maxmemory', '24mb']);
  t.teardown(() => own.close());
  const cache = await openCache({ driver: 'redis', url: own.url, maxBytes: 1 << 30 });
  t.teardown(() => cache.close());
  const redis = new Redis(own.url);
  t.teardown(() => redis.disconnect());
  for (let at = 0; at < 120; at += 1) {
    await cache.set(ns, `flood-${at}`, new Uint8Array(500_000), 0).catch(() => undefined);
    t.is(await redis.set('{orama}:calls:job', `write ${at}`), 'OK', 'the write of the queue is accepted');
  }
  await t.notThrowsAsync(cache.ping());
});

/** Opens a cache on a server of its own, and a connection to that. */
async function onOwnServer(t: ExecutionContext) {
  const own = await startRedis(['--appendonly', 'no']);
  t.teardown(() => own.close());
  const cache = await open(own.url);
  t.teardown(() => cache.close());
  const redis = new Redis(own.url);
  t.teardown(() => redis.disconnect());
  return { cache, redis };
}

test('a scan reads the entries of its namespace only, however many other keys the server has', async (t) => {
  const { cache, redis } = await onOwnServer(t);
  const fill = "for n = 1, 50000 do redis.call('SET', KEYS[1] .. n, 'v') end";
  for (const name of ['bull:{orama}:', 'orama:cache:{other}:']) await redis.eval(fill, 1, name);
  const commandsOf = async (work: () => Promise<unknown>) => {
    const count = async () =>
      Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1] ?? Number.NaN);
    const before = await count();
    await work();
    return (await count()) - before;
  };
  const empty = await commandsOf(async () => t.deepEqual(await cache.scan(ns, '', 100), []));
  t.true(empty < 10, `${empty} commands`);
  for (const key of ['a', 'b', 'c']) await cache.set(ns, key, Buffer.from('v'), 0);
  const few = await commandsOf(async () =>
    t.deepEqual((await cache.scan(ns, '', 100)).sort(), ['a', 'b', 'c']),
  );
  t.true(few < 15, `${few} commands`);
  // As if Redis had evicted it by itself.
  await redis.del('orama:cache:{default}:b');
  t.deepEqual((await cache.scan(ns, '', 100)).sort(), ['a', 'c']);
});

test('ping fails while Redis refuses writes, and succeeds when it accepts them again', async (t) => {
  const { cache, redis } = await onOwnServer(t);
  await redis.config('SET', 'maxmemory', '1');
  await t.throwsAsync(cache.ping(), { code: 'unavailable' });
  await redis.config('SET', 'maxmemory', '0');
  await t.notThrowsAsync(cache.ping());
});

test('closing a closed cache has no effect', async (t) => {
  const cache = await open(server.url);
  await cache.close();
  await t.notThrowsAsync(cache.close());
});
