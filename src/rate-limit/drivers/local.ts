import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import { ALLOWED, refused, WINDOW_SECONDS } from '../verdict.js';

/** Opens the rate limiter of a single process. */
export async function openLocalRateLimiter(): Promise<RateLimiter> {
  // The library only counts. The limit is compared here, since it is passed with each call.
  const counters = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: WINDOW_SECONDS });

  return {
    async consume(key, limitPerMinute, points = 1) {
      const { consumedPoints, msBeforeNext } = await counters.consume(key, points);
      if (consumedPoints <= limitPerMinute) return ALLOWED;
      // A batch that does not fit must not use up the minute of the calls that do.
      await counters.reward(key, points);
      return refused(msBeforeNext);
    },

    used: async (key) => (await counters.get(key))?.consumedPoints ?? 0,

    // The library's timers are unref'd and do not keep the process alive.
    async close() {},
  };
}
