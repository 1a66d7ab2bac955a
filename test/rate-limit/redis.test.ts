import test from 'ava';
import { Redis } from 'ioredis';
import { openRateLimiter } from '../../src/rate-limit/open.js';
import { rateLimiterConformance } from '../conformance/rate-limiter.js';
import { redisSettingConformance } from '../conformance/redis-setting.js';
import { startRedisCluster } from '../helpers/redis-cluster.js';
import { startRedis } from '../helpers/redis-server.js';

// No fsync: data need not survive the server, and it would make the suite slow.
const server = await startRedis(['--appendonly', 'no']);
const cluster = await startRedisCluster();
test.after.always(async () => {
  await server.close();
  await cluster.close();
});

const open = (url: string) => openRateLimiter({ driver: 'redis', url });

rateLimiterConformance('redis', () => open(server.url));
rateLimiterConformance('redis cluster', () => open(cluster.url));
redisSettingConformance('redis', 'REDIS_URL', open);

for (const limit of [20, 1000, 5000]) {
  test(`two processes together allow at most ${limit} calls, and at most 2% fewer`, async (t) => {
    const limiters = [await open(server.url), await open(server.url)];
    t.teardown(() => Promise.all(limiters.map((limiter) => limiter.close())));
    const calls = Array.from({ length: limit }, () =>
      limiters.map((one) => one.consume(`shared ${limit}`, limit)),
    );
    const allowed = (await Promise.all(calls.flat())).filter((verdict) => verdict.allowed).length;
    t.true(allowed <= limit, `${allowed} passed`);
    t.true(allowed >= limit - 2 * Math.floor(limit / 100), `${allowed} passed`);
  });
}

test('batches that one process refuses leave the rest of the minute to the calls of another', async (t) => {
  const limiters = [await open(server.url), await open(server.url)] as const;
  t.teardown(() => Promise.all(limiters.map((limiter) => limiter.close())));
  const [one, other] = limiters;
  const limit = 150;
  t.true((await one.consume('batches of one', limit, 10)).allowed);
  let isDone = false;
  const sendBatches = async () => {
    while (!isDone) t.false((await one.consume('batches of one', limit, 145)).allowed);
  };
  const sending = sendBatches();
  let allowed = 0;
  for (let call = 0; call < 150; call += 1) {
    if ((await other.consume('batches of one', limit)).allowed) allowed += 1;
  }
  isDone = true;
  await sending;
  t.is(allowed, 140);
});

test('5,000 calls under a high limit cost fewer than 100 Redis commands', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const limiter = await open(own.url);
  const observer = new Redis(own.url);
  t.teardown(async () => {
    observer.disconnect();
    await limiter.close();
  });
  const commands = async () =>
    Number(/total_commands_processed:(\d+)/.exec(await observer.info('stats'))?.[1]);
  const before = await commands();
  for (let i = 0; i < 5000; i += 1) await limiter.consume('busy', 600_000);
  t.true((await commands()) - before < 100);
});

test('while Redis is down, each process applies the limit locally', async (t) => {
  const own = await startRedis();
  t.teardown(() => own.close());
  const limiter = await open(own.url);
  t.teardown(() => limiter.close());
  await own.kill();
  const verdicts = await Promise.all(Array.from({ length: 30 }, () => limiter.consume('alone', 10)));
  t.is(verdicts.filter((verdict) => verdict.allowed).length, 10);
  t.true(verdicts.every((verdict) => verdict.allowed || verdict.retryAfterSeconds >= 1));
});
