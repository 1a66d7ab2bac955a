import type { RateLimiter } from '../ports/rate-limiter.js';
import type { RedisRateLimiterOptions } from './drivers/redis.js';

export type RateLimiterOptions = { driver: 'local' } | ({ driver: 'redis' } & RedisRateLimiterOptions);

/** Opens the rate limiter. Throws `bad_config` if its server is unreachable. */
export async function openRateLimiter(options: RateLimiterOptions): Promise<RateLimiter> {
  switch (options.driver) {
    case 'local':
      return (await import('./drivers/local.js')).openLocalRateLimiter();
    case 'redis':
      return (await import('./drivers/redis.js')).openRedisRateLimiter(options);
  }
}
