import type { Closable } from './closable.js';

/** Limits of one step of a drain. */
export interface DrainLimits {
  records: number;
  /** The step ends with the record that reaches it. */
  bytes: number;
}

/** Records that the store refused, up to 4 MB each, must not fill the queue's server. */
export const MAX_SET_ASIDE = 100;

/**
 * A durable first-in-first-out queue on the queue's server that holds log records while the store
 * is unreachable.
 */
export interface Backlog extends Closable {
  /** Appends records; they are durable when the promise resolves. */
  push(records: readonly string[]): Promise<void>;
  /**
   * Passes the oldest records to the handler, at least one and more up to the limits, and removes
   * them when the handler has resolved. Resolves with the number of records.
   */
  drain(limits: DrainLimits, handler: (records: string[]) => Promise<void>): Promise<number>;
  /**
   * Keeps records that the store refuses apart from the others, where an operator can read them;
   * the newest `MAX_SET_ASIDE`.
   */
  setAside(records: readonly string[]): Promise<void>;
  size(): Promise<number>;
}
