import type { Deduplication, JobToAdd } from '../operation-types.js';
import { STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { publish } from './events.js';
import { deleteJob, toDelayed } from './rows.js';

type Winner = [jobId: string, expiresAt: number | null];

/**
 * Returns the job that holds a deduplication key. A key has no holder when it has expired, or when
 * its job was deleted without the key.
 */
function liveWinner(queue: QueueState, id: string, now: number): string | null {
  const { store } = queue;
  const found = store.row<Winner>(
    'SELECT job_id, expires_at FROM dedup WHERE queue = ? AND id = ?',
    queue.id,
    id,
  );
  if (found === undefined) return null;
  const [jobId, expiresAt] = found;
  if (expiresAt !== null && expiresAt <= now) return null;
  if (expiresAt !== null || stateOf(queue, jobId) !== undefined) return jobId;
  store.run('DELETE FROM dedup WHERE queue = ? AND id = ?', queue.id, id);
  return null;
}

function stateOf(queue: QueueState, jobId: string): [key: number, state: number] | undefined {
  return queue.store.row('SELECT key, state FROM job WHERE queue = ? AND id = ?', queue.id, jobId);
}

function setWinner(queue: QueueState, id: string, jobId: string, expiresAt: number | null): void {
  queue.store.run(
    'INSERT OR REPLACE INTO dedup (queue, id, job_id, expires_at, next) VALUES (?, ?, ?, ?, NULL)',
    queue.id,
    id,
    jobId,
    expiresAt,
  );
}

/**
 * With `keepLastIfActive`, an active job keeps the newest job that was deduplicated against it;
 * that job is added when the active one ends. Returns whether the job was kept.
 */
function keepNext(queue: QueueState, dedup: Deduplication, winner: string, job: JobToAdd): boolean {
  if (dedup.keepLastIfActive !== true) return false;
  const [, state] = stateOf(queue, winner) ?? [];
  if (state !== STATE.active) return false;
  queue.store.run(
    'UPDATE dedup SET next = ?, expires_at = NULL WHERE queue = ? AND id = ?',
    JSON.stringify(job),
    queue.id,
    dedup.id,
  );
  return true;
}

/**
 * Deduplicates a job. Returns the id of the existing job that takes its place, or null when the job
 * is to be added; it then holds the deduplication key.
 */
export function deduplicate(
  queue: QueueState,
  dedup: Deduplication,
  jobId: string,
  job: JobToAdd,
): string | null {
  const { store } = queue;
  const now = job.timestamp;
  const ttl = dedup.ttl ?? 0;
  const keepLast = dedup.keepLastIfActive === true;
  const expiresAt = !keepLast && ttl > 0 ? now + ttl : null;
  const winner = liveWinner(queue, dedup.id, now);
  if (winner === null) {
    setWinner(queue, dedup.id, jobId, expiresAt);
    return null;
  }
  if (dedup.replace === true) {
    const [key, state] = stateOf(queue, winner) ?? [];
    if (key === undefined || state !== STATE.delayed) {
      keepNext(queue, dedup, winner, { ...job, id: jobId });
      return winner;
    }
    deleteJob(store, key);
    queue.delayedLeft();
    publish(queue, 'removed', { jobId: winner, prev: 'delayed' });
    publish(queue, 'deduplicated', { jobId, deduplicationId: dedup.id, deduplicatedJobId: winner });
    if (!keepLast && dedup.extend !== true && ttl > 0) {
      store.run(
        'UPDATE dedup SET job_id = ?, next = NULL WHERE queue = ? AND id = ?',
        jobId,
        queue.id,
        dedup.id,
      );
    } else setWinner(queue, dedup.id, jobId, expiresAt);
    return null;
  }
  if (dedup.reschedule === true) reschedule(queue, winner, job.delay, now);
  const isKept = keepNext(queue, dedup, winner, { ...job, id: jobId });
  if (!isKept && ttl > 0 && dedup.extend === true)
    store.run('UPDATE dedup SET expires_at = ? WHERE queue = ? AND id = ?', expiresAt, queue.id, dedup.id);
  publish(queue, 'deduplicated', { jobId: winner, deduplicationId: dedup.id, deduplicatedJobId: jobId });
  return winner;
}

function reschedule(queue: QueueState, jobId: string, delay: number, now: number): void {
  const [key, state] = stateOf(queue, jobId) ?? [];
  if (key === undefined || state !== STATE.delayed) return;
  const until = now + Math.max(0, delay);
  queue.delayedLeft();
  toDelayed(queue, key, until);
  queue.store.run('UPDATE job SET delay = ? WHERE key = ?', delay, key);
  publish(queue, 'delayed', { jobId, delay: until });
}

/** A job that may hold a deduplication key. */
export interface DedupHolder {
  dedupId: string;
  jobId: string;
  now: number;
}

/**
 * Called when a job has ended: removes its key unless the key has a TTL that has not expired.
 * Returns the job that was kept for this moment, if any.
 */
export function finishDedup(queue: QueueState, { dedupId, jobId, now }: DedupHolder): JobToAdd | null {
  const { store } = queue;
  const found = store.row<[jobId: string, expiresAt: number | null, next: string | null]>(
    'SELECT job_id, expires_at, next FROM dedup WHERE queue = ? AND id = ?',
    queue.id,
    dedupId,
  );
  if (found === undefined) return null;
  const [winner, expiresAt, next] = found;
  const over = expiresAt === null ? winner === jobId : expiresAt <= now;
  if (over || next !== null) store.run('DELETE FROM dedup WHERE queue = ? AND id = ?', queue.id, dedupId);
  return next === null ? null : { ...(JSON.parse(next) as JobToAdd), timestamp: now };
}

/** Removes the key of a job that is being removed, unless it has expired. */
export function removeDedupOf(queue: QueueState, { dedupId, jobId, now }: DedupHolder): number {
  return queue.store.run(
    'DELETE FROM dedup WHERE queue = ? AND id = ? AND job_id = ? AND (expires_at IS NULL OR expires_at > ?)',
    queue.id,
    dedupId,
    jobId,
    now,
  );
}

export function removeDedupKey(queue: QueueState, dedupId: string): number {
  return queue.store.run('DELETE FROM dedup WHERE queue = ? AND id = ?', queue.id, dedupId);
}

/** Returns the id of the job that holds a deduplication key. */
export function dedupJobId(queue: QueueState, dedupId: string, now: number): string | null {
  return (
    queue.store.row<[string]>(
      'SELECT job_id FROM dedup WHERE queue = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)',
      queue.id,
      dedupId,
      now,
    )?.[0] ?? null
  );
}
