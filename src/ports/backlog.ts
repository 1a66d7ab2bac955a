import type { Closable } from './closable.js';

/**
 * A durable first-in-first-out queue on the queue's server that holds log records while the store
 * is unreachable.
 */
export interface Backlog extends Closable {
  readonly driver: string;
  /** Appends records; they are durable when the promise resolves. */
  push(records: readonly string[]): Promise<void>;
  /**
   * Passes up to `limit` of the oldest records to the handler and removes them when the handler has
   * resolved. Resolves with the number of records.
   */
  drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number>;
  size(): Promise<number>;
}
