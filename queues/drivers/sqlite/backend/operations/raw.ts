import type { QueueState, SqlValue } from '../store.js';

/**
 * Runs a statement of the caller on the caller's own tables, in the same transaction as the other
 * operations of the batch.
 */
export function query(queue: QueueState, sql: string, values: readonly SqlValue[]): unknown[][] {
  return queue.store.rows<unknown[]>(sql, ...values);
}

/** Runs a statement once per list of values. Returns the number of changed rows. */
export function execute(queue: QueueState, sql: string, lists: readonly (readonly SqlValue[])[]): number {
  return lists.reduce((changed, values) => changed + queue.store.run(sql, ...values), 0);
}
