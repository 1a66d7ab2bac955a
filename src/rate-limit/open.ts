import type { RateLimiter } from '../ports/rate-limiter.js';
import { openLocalRateLimiter } from './drivers/local.js';

export type RateLimiterOptions = { driver: 'local' };

/** Opens the counters of the rate limits; throws `bad_config` when their server cannot be reached. */
export function openRateLimiter(options: RateLimiterOptions): Promise<RateLimiter> {
  switch (options.driver) {
    case 'local':
      return openLocalRateLimiter();
  }
}
