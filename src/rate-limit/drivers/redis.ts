import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RateLimiter } from '../../ports/rate-limiter.js';
import { connectRedis } from '../../redis/server.js';
import { ALLOWED, refused, WINDOW_SECONDS } from '../verdict.js';

export interface RedisRateLimiterOptions {
  url: string;
}

/** What this process may still hand out by itself for a key, until the key's minute is over. */
interface Grant {
  points: number;
  /** Under which it was taken: with another one it counts no more. */
  limit: number;
  until: number;
  /** Redis has no more for this minute. */
  isLast: boolean;
}

const MAX_BLOCK = 1000;
const MAX_KEYS = 100_000;
/** A minute that is over by then may begin anew on Redis before points are given back to it. */
const GIVE_BACK_MS = 1000;

/**
 * Limits over all processes, counted on Redis in blocks of a hundredth of the limit, at most 1000:
 * one round trip for up to so many calls. Never more than the limit pass. A block that a process
 * has taken and not used up when the minute ends is lost, so that a key may be stopped early by up
 * to 1 % for each process; limits below 200 are exact. While Redis is away each process counts for
 * itself: nobody is stopped for that, and nobody is without a limit.
 */
export async function openRedisRateLimiter({ url }: RedisRateLimiterOptions): Promise<RateLimiter> {
  const redis = await connectRedis(url, 'REDIS_URL');
  const window = { points: Number.MAX_SAFE_INTEGER, duration: WINDOW_SECONDS, keyPrefix: 'orama:rate' };
  const counters = new RateLimiterRedis({
    ...window,
    storeClient: redis,
    insuranceLimiter: new RateLimiterMemory(window),
  });
  const grants = new LRUCache<string, Grant>({ max: MAX_KEYS });
  const asking = new Map<string, Promise<void>>();

  /**
   * Takes a block, or what is left of the minute when it is less: the one call that crosses the
   * limit gets the rest.
   */
  async function ask(key: string, limit: number, points: number): Promise<void> {
    const wanted = Math.max(points, Math.min(MAX_BLOCK, Math.floor(limit / 100)));
    await giveBack(key, limit);
    const { consumedPoints, msBeforeNext } = await counters.consume(key, wanted);
    const granted = Math.max(0, Math.min(wanted, limit - (consumedPoints - wanted)));
    const now = performance.now();
    const held = grants.get(key);
    const left = held !== undefined && now < held.until ? held.points : 0;
    const isLast = consumedPoints >= limit;
    grants.set(key, { points: left + granted, limit, until: now + msBeforeNext, isLast });
  }

  /** The rest of a block that was taken under another limit is none of the new one's. */
  async function giveBack(key: string, limit: number): Promise<void> {
    const held = grants.get(key);
    if (held === undefined || held.limit === limit) return;
    grants.delete(key);
    if (held.points > 0 && performance.now() < held.until - GIVE_BACK_MS) {
      await counters.reward(key, held.points);
    }
  }

  return {
    driver: 'redis',

    async consume(key, limitPerMinute, points = 1) {
      for (;;) {
        const grant = grants.get(key);
        if (grant?.limit === limitPerMinute && performance.now() < grant.until) {
          if (grant.points >= points) {
            grant.points -= points;
            return ALLOWED;
          }
          if (grant.isLast) return refused(grant.until - performance.now());
        }
        // One question at a time for a key: those that come meanwhile share its answer.
        const pending = asking.get(key) ?? ask(key, limitPerMinute, points).finally(() => asking.delete(key));
        asking.set(key, pending);
        await pending;
      }
    },

    async used(key) {
      const counted = (await counters.get(key))?.consumedPoints ?? 0;
      // Of the block that this process has taken, what it has not given out is not used.
      const grant = grants.get(key);
      const left = grant !== undefined && performance.now() < grant.until ? grant.points : 0;
      return Math.max(0, counted - left);
    },

    async close() {
      grants.clear();
      redis.disconnect();
    },
  };
}
