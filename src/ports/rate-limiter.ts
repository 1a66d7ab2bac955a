import type { Closable } from './closable.js';

/**
 * Counts what each key uses in a minute, over all processes. A key's minute begins with its first
 * use.
 */
export interface RateLimiter extends Closable {
  readonly driver: string;
  /**
   * Takes `points` (1) from the key's minute; a refused call may count as well. Never throws for a
   * server that is away: each process then keeps the limit by itself.
   */
  consume(key: string, limitPerMinute: number, points?: number): Promise<RateVerdict>;
  /** What the key has used of its minute, as far as this process knows. */
  used(key: string): Promise<number>;
}

export interface RateVerdict {
  allowed: boolean;
  /** Whole seconds, at least 1, until the key's minute is over; 0 when allowed. */
  retryAfterSeconds: number;
}
