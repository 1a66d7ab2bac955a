import test from 'ava';
import { Redis } from 'ioredis';
import { watchClock } from '../../src/compose/clock.js';
import { createLogger } from '../../src/logger.js';
import { startRedis } from '../helpers/redis-server.js';
import { until } from '../helpers/until.js';

test('the clock is compared with that of Redis again and again on one connection', async (t) => {
  const server = await startRedis();
  t.teardown(server.close);
  const watch = await watchClock(server.url, createLogger('silent'));
  t.teardown(() => watch.close());
  const redis = new Redis(server.url);
  t.teardown(() => redis.disconnect());
  const figure = async (section: string, pattern: RegExp) =>
    Number(pattern.exec(await redis.info(section))?.[1] ?? 0);
  const comparisons = () => figure('commandstats', /^cmdstat_time:calls=(\d+)/m);
  const connections = () => figure('stats', /^total_connections_received:(\d+)/m);

  t.is(await comparisons(), 1);
  const before = await connections();
  await until('the second comparison', async () => (await comparisons()) > 1);
  t.is(await connections(), before);
});
