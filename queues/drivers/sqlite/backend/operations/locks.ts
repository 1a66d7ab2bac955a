import type { HeldJob } from '../operation-types.js';
import { STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { publish } from './events.js';
import { backToWaiting } from './rows.js';

const STALLED_TOO_OFTEN = 'job stalled more than allowable limit';

export interface ExtendLockOptions extends HeldJob {
  /** The duration of the lock from `now` on. */
  lockMs: number;
  now: number;
}

/** Returns false when another worker holds the lock. */
export function extendLock(queue: QueueState, { id, token, lockMs, now }: ExtendLockOptions): boolean {
  return (
    queue.store.run(
      `UPDATE job SET locked_until = ?, stalled_mark = 0 WHERE queue = ? AND id = ? AND state = ${STATE.active} AND lock_token = ?`,
      now + lockMs,
      queue.id,
      id,
      token,
    ) > 0
  );
}

export interface ExtendLocksOptions extends Pick<ExtendLockOptions, 'lockMs' | 'now'> {
  ids: readonly string[];
  /** The token of the lock of each job, in the order of `ids`. */
  tokens: readonly string[];
}

/** Returns the ids of jobs whose locks could not be renewed. */
export function extendLocks(queue: QueueState, { ids, tokens, lockMs, now }: ExtendLocksOptions): string[] {
  return ids.filter((id, at) => !extendLock(queue, { id, token: tokens[at] ?? '', lockMs, now }));
}

type Active = [
  key: number,
  id: string,
  lockedUntil: number | null,
  mark: number,
  stalledCount: number,
  schedulerId: string | null,
];

export interface RecoverStalledOptions {
  /** How often a job may stall; after that it fails at its next start. */
  maxStalledCount: number;
  /** The interval of the checks. */
  intervalMs: number;
  now: number;
}

/**
 * Puts stalled jobs back into the queue: those whose lock has expired and has not been renewed
 * since the check before, so that a lock that is renewed slightly late has no effect. Checks are
 * limited to one per interval, regardless of the number of workers. Returns the ids of the
 * recovered jobs.
 */
export function recoverStalled(
  queue: QueueState,
  { maxStalledCount, intervalMs, now }: RecoverStalledOptions,
): string[] {
  const { store } = queue;
  const lastLook = queue.metaNumber('stalled-check');
  if (lastLook !== undefined && now < lastLook + intervalMs && now >= lastLook) return [];
  queue.setMeta('stalled-check', String(now));
  const active = store.rows<Active>(
    `SELECT key, id, locked_until, stalled_mark, stalled_count, scheduler_id FROM job
     WHERE queue = ? AND state = ${STATE.active} ORDER BY seq`,
    queue.id,
  );
  const recovered: string[] = [];
  for (const [key, id, lockedUntil, mark, stalledCount, schedulerId] of active) {
    if (mark === 0 || lockedUntil === null || lockedUntil >= now) {
      if (mark === 0) store.run('UPDATE job SET stalled_mark = 1 WHERE key = ?', key);
      continue;
    }
    const givesUp = stalledCount + 1 > maxStalledCount && !belongsToScheduler(queue, schedulerId);
    store.run(
      'UPDATE job SET stalled_mark = 0, stalled_count = ?, deferred_failure = coalesce(?, deferred_failure) WHERE key = ?',
      stalledCount + 1,
      givesUp ? STALLED_TOO_OFTEN : null,
      key,
    );
    backToWaiting(queue, key);
    publish(queue, 'stalled', { jobId: id });
    publish(queue, 'waiting', { jobId: id, prev: 'active' });
    recovered.push(id);
  }
  return recovered;
}

function belongsToScheduler(queue: QueueState, id: string | null): boolean {
  return (
    id !== null &&
    queue.store.row('SELECT 1 FROM scheduler WHERE queue = ? AND id = ?', queue.id, id) !== undefined
  );
}
