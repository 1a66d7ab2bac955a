import type { RateLimiter } from '../ports/rate-limiter.js';
import { openLocalRateLimiter } from './drivers/local.js';
import { openRedisRateLimiter, type RedisRateLimiterOptions } from './drivers/redis.js';

export type RateLimiterOptions = { driver: 'local' } | ({ driver: 'redis' } & RedisRateLimiterOptions);

/** Opens the rate limiter. Throws `bad_config` if its server is unreachable. */
export function openRateLimiter(options: RateLimiterOptions): Promise<RateLimiter> {
  switch (options.driver) {
    case 'local':
      return openLocalRateLimiter();
    case 'redis':
      return openRedisRateLimiter(options);
  }
}
