import type { Closable } from './closable.js';

/**
 * Counts the use of each key per minute, across all processes. A key's minute begins with its first
 * use.
 */
export interface RateLimiter extends Closable {
  /**
   * Consumes `points` (default 1) of the key's minute, or none if they are more than are left, so
   * that smaller calls still pass. Does not throw if the server is unreachable: each process then
   * enforces the limit by itself.
   */
  consume(key: string, limitPerMinute: number, points?: number): Promise<RateVerdict>;
  /** Points used in the key's current minute, as far as this process knows. */
  used(key: string): Promise<number>;
}

export interface RateVerdict {
  allowed: boolean;
  /** Seconds until the key's minute has passed, rounded up, at least 1; 0 if allowed. */
  retryAfterSeconds: number;
}
