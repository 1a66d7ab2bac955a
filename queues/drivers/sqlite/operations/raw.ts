import type { QueueState } from '../queue-state.js';
import type { SqlValue } from '../store.js';

/**
 * Statements of the caller's own, on tables of its own: in the same transaction as the operations
 * beside them.
 */
export function query(queue: QueueState, sql: string, values: readonly SqlValue[]): unknown[][] {
  return queue.store.rows<unknown[]>(sql, ...values);
}

/** Runs a statement once for each list of values; returns how many rows were changed. */
export function execute(queue: QueueState, sql: string, lists: readonly (readonly SqlValue[])[]): number {
  return lists.reduce((changed, values) => changed + queue.store.run(sql, ...values), 0);
}
