import type { Closable } from './closable.js';

/**
 * Distributed semaphores, used for a function's `concurrency`. The lease of a process that dies
 * expires.
 */
export interface Leases extends Closable {
  /**
   * Acquires one of `limit` leases, or resolves with null if all are held. The lease is renewed
   * until it is released.
   */
  acquire(key: string, limit: number): Promise<Lease | null>;
  /** Number of leases currently held by all processes. */
  held(key: string): Promise<number>;
}

export interface Lease {
  release(): Promise<void>;
}
