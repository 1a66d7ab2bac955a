import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { RateLimiter, RateVerdict } from '../../ports/rate-limiter.js';
import { connectRedis } from '../../redis/server.js';
import { ALLOWED, refused, WINDOW_SECONDS } from '../verdict.js';

export interface RedisRateLimiterOptions {
  url: string;
}

/**
 * Points that this process may still consume locally for a key, until the key's minute has passed.
 */
interface PointGrant {
  points: number;
  /** Limit under which the points were taken; with another limit they do not count any more. */
  limit: number;
  until: number;
  /** The limit of this minute is exhausted on Redis. */
  isLast: boolean;
}

const MAX_BLOCK = 1000;
const MAX_KEYS = 100_000;
/**
 * If the minute ends within this time, points are not returned, as Redis may already have begun a
 * new one.
 */
const REFUND_MARGIN_MS = 1000;

/**
 * Opens the rate limiter of all processes on Redis. Points are taken from Redis in blocks of a
 * hundredth of the limit, at most 1000, so that one round trip serves that many calls. Never more
 * calls than the limit pass. Points of a block that are unused when the minute ends are lost, so a
 * key may be limited early by up to 1 % per process; limits below 200 are exact. While Redis is
 * unreachable, each process counts by itself, so that calls are neither rejected for that reason
 * nor unlimited.
 */
export async function openRedisRateLimiter({ url }: RedisRateLimiterOptions): Promise<RateLimiter> {
  const redis = await connectRedis(url, 'REDIS_URL');
  const window = { points: Number.MAX_SAFE_INTEGER, duration: WINDOW_SECONDS, keyPrefix: 'orama:rate' };
  const counters = new RateLimiterRedis({
    ...window,
    storeClient: redis,
    insuranceLimiter: new RateLimiterMemory(window),
  });
  const grants = new LRUCache<string, PointGrant>({ max: MAX_KEYS });
  const pendingFetches = new Map<string, Promise<unknown>>();

  /**
   * Takes a block from Redis, or what is left of the minute if that is less: the call that crosses
   * the limit gets the rest. Resolves with the verdict for a call that needs more than that, which
   * takes nothing.
   */
  async function fetchPoints(key: string, limit: number, points: number): Promise<RateVerdict | null> {
    const wanted = Math.max(points, Math.min(MAX_BLOCK, Math.floor(limit / 100)));
    await refund(key, limit);
    // Taking the points and returning them would meanwhile use up the minute of other processes.
    const refusal = points > 1 ? await refusalOf(key, limit, points) : null;
    if (refusal !== null) return refusal;
    const { consumedPoints, msBeforeNext } = await counters.consume(key, wanted);
    const left = leftOf(key);
    const before = consumedPoints - wanted;
    const rest = Math.max(0, Math.min(wanted, limit - before));
    const isEnough = left + rest >= points;
    const granted = isEnough ? rest : 0;
    const until = performance.now() + msBeforeNext;
    grants.set(key, { points: left + granted, limit, until, isLast: before + granted >= limit });
    // Points over the limit serve no call; with a higher limit they would be missing.
    if (granted < wanted && msBeforeNext > REFUND_MARGIN_MS) await counters.reward(key, wanted - granted);
    return isEnough ? null : refused(msBeforeNext);
  }

  /** Resolves with null if the points are left. */
  async function refusalOf(key: string, limit: number, points: number): Promise<RateVerdict | null> {
    const counted = await counters.get(key);
    const isOver = (counted?.consumedPoints ?? 0) - leftOf(key) + points > limit;
    return isOver ? refused(counted?.msBeforeNext ?? WINDOW_SECONDS * 1000) : null;
  }

  /** Returns the points that this process has taken from Redis and not consumed. */
  function leftOf(key: string): number {
    const grant = grants.get(key);
    return grant !== undefined && performance.now() < grant.until ? grant.points : 0;
  }

  /** Returns the rest of a block that was taken under another limit. */
  async function refund(key: string, limit: number): Promise<void> {
    const held = grants.get(key);
    if (held === undefined || held.limit === limit) return;
    grants.delete(key);
    if (held.points > 0 && performance.now() < held.until - REFUND_MARGIN_MS) {
      await counters.reward(key, held.points);
    }
  }

  return {
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
        // One request to Redis at a time per key; concurrent calls share its result.
        const pending = pendingFetches.get(key);
        if (pending !== undefined) {
          await pending;
          continue;
        }
        const own = fetchPoints(key, limitPerMinute, points).finally(() => pendingFetches.delete(key));
        pendingFetches.set(key, own);
        const refusal = await own;
        if (refusal !== null) return refusal;
      }
    },

    async used(key) {
      const counted = (await counters.get(key))?.consumedPoints ?? 0;
      // Points that were taken from Redis but not consumed by this process do not count as used.
      return Math.max(0, counted - leftOf(key));
    },

    async close() {
      grants.clear();
      redis.disconnect();
    },
  };
}
