import type { Closable } from './closable.js';

/**
 * Distributed semaphores, used for a function's `concurrency`. The lease of a process that dies
 * expires.
 */
export interface Leases extends Closable {
  /**
   * Acquires one of `limit` leases, or resolves with null if all are held. The lease is renewed
   * until it is released. Throws `unavailable` if the server does not answer.
   */
  acquire(key: string, limit: number): Promise<Lease | null>;
  /** Number of leases currently held by all processes. Throws `unavailable` as `acquire` does. */
  held(key: string): Promise<number>;
}

export interface Lease {
  /** Never throws: a lease that cannot be released expires. Releasing it again has no effect. */
  release(): Promise<void>;
}
