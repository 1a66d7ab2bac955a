import test from 'ava';
import { openOlricCache } from '../../src/cache/drivers/olric.js';
import { RedisServer } from '../../src/redis/server.js';
import { startRedis } from '../helpers/redis-server.js';
import { shared } from '../helpers/shared.js';

const redis = shared(() => startRedis());

test('a database that the server does not have is an error at start, and not database 0', async (t) => {
  const base = `redis://127.0.0.1:${(await redis()).port}`;
  await t.notThrowsAsync(RedisServer.reach(`${base}/15`, 'REDIS_URL'));
  for (const reach of [RedisServer.reach, RedisServer.reachNode]) {
    await t.throwsAsync(reach(`${base}/16`, 'REDIS_URL'), {
      code: 'bad_config',
      message: /^REDIS_URL names redis:.*\/16, which cannot be used \(ERR DB index is out of range\)/,
    });
  }
});

test('an OLRIC_URL that leads to Redis is an error at start, and not a cache whose every call fails', async (t) => {
  await t.throwsAsync(openOlricCache({ url: (await redis()).url }), {
    code: 'bad_config',
    message: /^The server at OLRIC_URL, redis:.*, is not Olric;/,
  });
});
