import type { Claim, ClaimOptions } from '../operation-types.js';
import { REFUSAL, Refusal } from '../refusal.js';
import { DEPENDENCY, STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { claim, promoteDue } from './claim.js';
import { childKey } from './dependencies.js';
import { publish } from './events.js';
import { hasFailedChild, held } from './finish.js';
import { windowLeft } from './rate-limit.js';
import { backToWaiting, keyOf, toDelayed, toWaiting } from './rows.js';

/** The failure of an attempt, as recorded in the job. */
export interface AttemptFailure {
  reason: string | null;
  /** JSON. */
  stacktrace: string | null;
}

function record(
  queue: QueueState,
  key: number,
  { reason, stacktrace }: AttemptFailure,
  countAttempt: boolean,
): void {
  if (reason === null && stacktrace === null && !countAttempt) return;
  queue.store.run(
    `UPDATE job SET failed_reason = coalesce(?, failed_reason), stacktrace = coalesce(?, stacktrace),
       attempts_made = attempts_made + ? WHERE key = ?`,
    reason,
    stacktrace,
    countAttempt ? 1 : 0,
    key,
  );
}

/** Moves an active job to the delayed state, to run again at `until`. */
export function delayActive(
  queue: QueueState,
  id: string,
  token: string,
  until: number,
  delay: number,
  countAttempt: boolean,
  failure: AttemptFailure,
  next: ClaimOptions | null,
  now: number,
): Claim | null {
  const [key] = held(queue, id, token);
  record(queue, key, failure, countAttempt);
  toDelayed(queue, key, until);
  queue.store.run('UPDATE job SET delay = ? WHERE key = ?', delay, key);
  publish(queue, 'delayed', { jobId: id, delay: until });
  return next === null ? null : claim(queue, next, now);
}

/** Moves an active job to the waiting state, to run again at once. */
export function retryActive(
  queue: QueueState,
  id: string,
  token: string,
  lifo: boolean,
  failure: AttemptFailure,
  now: number,
): void {
  const [key] = held(queue, id, token);
  record(queue, key, failure, true);
  // Jobs that became due earlier go before this one.
  promoteDue(queue, now);
  toWaiting(queue, key, lifo);
  publish(queue, 'waiting', { jobId: id, prev: 'active' });
}

/** Moves an active job to waiting-children. Returns false when it has no pending children. */
export function waitForChildren(queue: QueueState, id: string, token: string): boolean {
  const { store } = queue;
  const job = store.row<
    [key: number, state: number, token: string | null, pending: number, children: number]
  >('SELECT key, state, lock_token, pending, children FROM job WHERE queue = ? AND id = ?', queue.id, id);
  if (job === undefined) throw new Refusal(REFUSAL.missingJob);
  const [key, state, lock, pending, children] = job;
  if (children > 0 && hasFailedChild(queue, key)) throw new Refusal(REFUSAL.failedChildren);
  if (token !== '0' && lock !== token)
    throw new Refusal(lock === null ? REFUSAL.missingLock : REFUSAL.lockMismatch);
  if (state !== STATE.active) throw new Refusal(REFUSAL.notInState);
  if (pending === 0) return false;
  store.run(
    `UPDATE job SET state = ${STATE.waitingChildren}, lock_token = NULL, locked_until = NULL WHERE key = ?`,
    key,
  );
  publish(queue, 'waiting-children', { jobId: id, prev: 'active' });
  return true;
}

/**
 * Returns an active job to its place among the waiting jobs without counting an attempt. Returns the
 * rest of the rate limit window in milliseconds.
 */
export function returnToWait(queue: QueueState, id: string, token: string, now: number): number {
  const job = queue.store.row<[key: number, state: number, token: string | null]>(
    'SELECT key, state, lock_token FROM job WHERE queue = ? AND id = ?',
    queue.id,
    id,
  );
  if (job === undefined) throw new Refusal(REFUSAL.missingJob);
  const [key, state, lock] = job;
  if (state === STATE.active && (token === '0' || lock === token)) {
    backToWaiting(queue, key);
    publish(queue, 'waiting', { jobId: id, prev: 'active' });
  }
  return windowLeft(queue, now);
}

/** Moves a finished job to the waiting state. */
export function reprocess(
  queue: QueueState,
  id: string,
  from: 'failed' | 'completed',
  lifo: boolean,
  resetMade: boolean,
  resetStarted: boolean,
): void {
  const { store } = queue;
  const job = store.row<[key: number, state: number, parentQueue: string | null, parentId: string | null]>(
    'SELECT key, state, parent_queue, parent_id FROM job WHERE queue = ? AND id = ?',
    queue.id,
    id,
  );
  if (job === undefined) throw new Refusal(REFUSAL.missingJob);
  const [key, state, parentQueue, parentId] = job;
  if (state !== STATE[from]) throw new Refusal(REFUSAL.notInState);
  store.run(
    `UPDATE job SET processed_on = NULL, finished_on = NULL, return_value = NULL, failed_reason = NULL, stacktrace = NULL,
       attempts_made = attempts_made * ?, attempts_started = attempts_started * ? WHERE key = ?`,
    resetMade ? 0 : 1,
    resetStarted ? 0 : 1,
    key,
  );
  toWaiting(queue, key, lifo);
  if (parentQueue !== null && parentId !== null) {
    const parentKey = keyOf(store.queue(parentQueue), parentId);
    const awaited =
      parentKey !== undefined &&
      store.run(
        'UPDATE dependency SET status = ?, value = NULL WHERE parent = ? AND child_key = ? AND status <> ?',
        DEPENDENCY.pending,
        parentKey,
        childKey(queue, id),
        DEPENDENCY.pending,
      ) > 0;
    if (awaited) store.run('UPDATE job SET pending = pending + 1 WHERE key = ?', parentKey);
  }
  publish(queue, 'waiting', { jobId: id, prev: from });
}

/** Moves up to `count` finished jobs to the waiting state. Returns their number. */
export function retryFinished(
  queue: QueueState,
  from: 'failed' | 'completed',
  count: number,
  until: number | null,
): number {
  const ended = queue.store.rows<[id: string]>(
    'SELECT id FROM job WHERE queue = ? AND state = ? AND score <= ? ORDER BY score, seq LIMIT ?',
    queue.id,
    STATE[from],
    until ?? Number.MAX_SAFE_INTEGER,
    count,
  );
  for (const [id] of ended) reprocess(queue, id, from, false, true, true);
  return ended.length;
}

function keyAndState(queue: QueueState, id: string): [key: number, state: number] {
  const job = queue.store.row<[key: number, state: number]>(
    'SELECT key, state FROM job WHERE queue = ? AND id = ?',
    queue.id,
    id,
  );
  if (job === undefined) throw new Refusal(REFUSAL.missingJob);
  return job;
}

function delayedKey(queue: QueueState, id: string): number {
  const [key, state] = keyAndState(queue, id);
  if (state !== STATE.delayed) throw new Refusal(REFUSAL.notInState);
  queue.delayedLeft();
  return key;
}

/** Moves a delayed job to the waiting state. */
export function promote(queue: QueueState, id: string): void {
  const key = delayedKey(queue, id);
  queue.store.run('UPDATE job SET delay = 0 WHERE key = ?', key);
  toWaiting(queue, key);
  publish(queue, 'waiting', { jobId: id, prev: 'delayed' });
}

/** Promotes up to `count` delayed jobs, in the order of their due times. Returns their number. */
export function promoteMany(queue: QueueState, count: number): number {
  const delayed = queue.store.rows<[id: string]>(
    `SELECT id FROM job WHERE queue = ? AND state = ${STATE.delayed} ORDER BY score, seq LIMIT ?`,
    queue.id,
    count,
  );
  for (const [id] of delayed) promote(queue, id);
  return delayed.length;
}

/** Changes the delay of a delayed job, counted from `now`, in milliseconds. */
export function changeDelay(queue: QueueState, id: string, delay: number, now: number): void {
  const key = delayedKey(queue, id);
  toDelayed(queue, key, now + delay);
  queue.store.run('UPDATE job SET delay = ? WHERE key = ?', delay, key);
  publish(queue, 'delayed', { jobId: id, delay: now + delay });
}

/**
 * Shortens delays that are longer from `now` on than they were meant to be, because the clock has
 * been set back. Runs of schedulers keep their times. Returns the number of jobs.
 */
export function shortenDelays(queue: QueueState, now: number): number {
  const changed = queue.store.run(
    `UPDATE job SET score = ? + delay
     WHERE queue = ? AND state = ${STATE.delayed} AND scheduler_id IS NULL AND score > ? + delay`,
    now,
    queue.id,
    now,
  );
  if (changed > 0) {
    queue.delayedLeft();
    queue.wake();
  }
  return changed;
}

/** Changes the priority of a job, and its position if it is waiting. */
export function changePriority(queue: QueueState, id: string, priority: number, lifo: boolean): void {
  const [key, state] = keyAndState(queue, id);
  queue.store.run('UPDATE job SET priority = ? WHERE key = ?', priority, key);
  if (state === STATE.waiting) toWaiting(queue, key, lifo);
}
