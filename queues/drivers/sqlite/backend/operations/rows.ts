import type { JobRow } from '../operation-types.js';
import { STATE } from '../schema.js';
import type { QueueState, Store } from '../store.js';
import { publish } from './events.js';

/** The columns of `JobRow`, in its order. */
export const JOB_COLUMNS = `key, id, name, data, opts, priority, delay, timestamp, attempts_made, attempts_started,
stalled_count, processed_on, processed_by, finished_on, progress, return_value, failed_reason, stacktrace,
deferred_failure, dedup_id, scheduler_id, parent_queue, parent_id, parent_key`;

/** The index of `data` in a `JobRow`. */
const DATA = 3;

/** Adds the input of a job whose input is stored in `payload`. */
export function withPayload(store: Store, row: JobRow): JobRow {
  if (row[DATA] === null) {
    row[DATA] = store.row<[string]>('SELECT data FROM payload WHERE key = ?', row[0])?.[0] ?? '{}';
  }
  return row;
}

/** Deletes a job and its dependent rows. The caller handles the job's dependency in its parent. */
export function deleteJob(store: Store, key: number): boolean {
  const removed = store.row<[apart: number, children: number, logs: number]>(
    'DELETE FROM job WHERE key = ? RETURNING data IS NULL, children, logs',
    key,
  );
  if (removed === undefined) return false;
  const [apart, children, logs] = removed;
  if (apart) store.run('DELETE FROM payload WHERE key = ?', key);
  if (children) store.run('DELETE FROM dependency WHERE parent = ?', key);
  if (logs) store.run('DELETE FROM log WHERE job = ?', key);
  return true;
}

/**
 * Moves a job to the waiting state, behind the jobs of the same priority, or before them with
 * `lifo`.
 */
export function toWaiting(queue: QueueState, key: number, lifo = false): void {
  const seq = queue.store.nextSeq();
  queue.store.run(
    `UPDATE job SET state = ${STATE.waiting}, score = priority, seq = ?, lock_token = NULL, locked_until = NULL WHERE key = ?`,
    lifo ? -seq : seq,
    key,
  );
  queue.wake();
}

/**
 * Returns an active job to its place among the waiting jobs, which does not depend on the order in
 * which several jobs are returned.
 */
export function backToWaiting(queue: QueueState, key: number): void {
  queue.store.run(
    `UPDATE job SET state = ${STATE.waiting}, score = priority, lock_token = NULL, locked_until = NULL WHERE key = ?`,
    key,
  );
  queue.wake();
}

/** Moves a job to the delayed state until the given time (Unix milliseconds). */
export function toDelayed(queue: QueueState, key: number, until: number): void {
  queue.store.run(
    `UPDATE job SET state = ${STATE.delayed}, score = ?, seq = ?, lock_token = NULL, locked_until = NULL WHERE key = ?`,
    until,
    queue.store.nextSeq(),
    key,
  );
  queue.delayed(until);
  queue.wake(until);
}

/** Returns the primary key of a job. */
export function keyOf(queue: QueueState, id: string): number | undefined {
  return queue.store.row<[number]>('SELECT key FROM job WHERE queue = ? AND id = ?', queue.id, id)?.[0];
}

/** Releases a parent whose children have ended, into the delayed state if it has a delay. */
export function releaseParent(parentQueue: QueueState, parentId: string, now: number): void {
  const row = parentQueue.store.row<[key: number, state: number, delay: number]>(
    'SELECT key, state, delay FROM job WHERE queue = ? AND id = ?',
    parentQueue.id,
    parentId,
  );
  if (row === undefined) return;
  const [key, state, delay] = row;
  if (state !== STATE.waitingChildren) return;
  if (delay > 0) {
    toDelayed(parentQueue, key, now + delay);
    publish(parentQueue, 'delayed', { jobId: parentId, delay: now + delay });
  } else {
    toWaiting(parentQueue, key);
    publish(parentQueue, 'waiting', { jobId: parentId, prev: 'waiting-children' });
  }
}
