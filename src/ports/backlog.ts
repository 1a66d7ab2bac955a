import type { Closable } from './closable.js';

/**
 * A durable first-in-first-out overflow on the queue's own server, for log records while the store
 * is away.
 */
export interface Backlog extends Closable {
  readonly driver: string;
  /** Durable once it resolves. */
  push(records: readonly string[]): Promise<void>;
  /**
   * Hands out up to `limit` of the oldest and removes them only when the handler has resolved.
   * Returns how many.
   */
  drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number>;
  size(): Promise<number>;
}
