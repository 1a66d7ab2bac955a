import type { RateLimiter } from '../ports/rate-limiter.js';
import { openLocalRateLimiter } from './drivers/local.js';
import { openRedisRateLimiter, type RedisRateLimiterOptions } from './drivers/redis.js';

export type RateLimiterOptions = { driver: 'local' } | ({ driver: 'redis' } & RedisRateLimiterOptions);

/**
 * Opens the counters of the rate limits; throws `bad_config` when their server cannot be reached.
 */
export function openRateLimiter(options: RateLimiterOptions): Promise<RateLimiter> {
  switch (options.driver) {
    case 'local':
      return openLocalRateLimiter();
    case 'redis':
      return openRedisRateLimiter(options);
  }
}
