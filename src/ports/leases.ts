import type { Closable } from './closable.js';

/**
 * Counting locks over all processes, for `concurrency` of a function. A holder that dies loses its
 * lease by itself.
 */
export interface Leases extends Closable {
  readonly driver: string;
  /** A lease on one of `limit` places, or null when all are taken. It is renewed until released. */
  acquire(key: string, limit: number): Promise<Lease | null>;
  /** How many are taken now, by all processes. */
  held(key: string): Promise<number>;
}

export interface Lease {
  release(): Promise<void>;
}
