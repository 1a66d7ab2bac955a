import type { AttemptFailure, Claim, ClaimOptions, HeldJob } from '../operation-types.js';
import { REFUSAL, Refusal } from '../refusal.js';
import { DEPENDENCY, STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { claim, promoteDue } from './claim.js';
import { childKey } from './dependencies.js';
import { publish } from './events.js';
import { hasFailedChild, held } from './finish.js';
import { windowLeft } from './rate-limit.js';
import { backToWaiting, keyOf, toDelayed, toWaiting } from './rows.js';

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

export interface DelayActiveOptions extends HeldJob {
  /** When the job runs again. */
  until: number;
  /** The delay as BullMQ reports it. */
  delay: number;
  countAttempt: boolean;
  failure: AttemptFailure;
  /** Claims the next job in the same transaction; null: claims none. */
  next: ClaimOptions | null;
  now: number;
}

/** Moves an active job to the delayed state. Returns the claim of the next one, if asked for. */
export function delayActive(queue: QueueState, options: DelayActiveOptions): Claim | null {
  const { id, until, delay, countAttempt, failure, next, now } = options;
  const [key] = held(queue, options);
  record(queue, key, failure, countAttempt);
  toDelayed(queue, key, until);
  queue.store.run('UPDATE job SET delay = ? WHERE key = ?', delay, key);
  publish(queue, 'delayed', { jobId: id, delay: until });
  return next === null ? null : claim(queue, next, now);
}

export interface RetryActiveOptions extends HeldJob {
  /** Whether the job goes before the waiting jobs of its priority. */
  lifo: boolean;
  failure: AttemptFailure;
  now: number;
}

/** Moves an active job to the waiting state, to run again at once. */
export function retryActive(queue: QueueState, options: RetryActiveOptions): void {
  const { id, lifo, failure, now } = options;
  const [key] = held(queue, options);
  record(queue, key, failure, true);
  // Jobs that became due earlier go before this one.
  promoteDue(queue, now);
  toWaiting(queue, key, lifo);
  publish(queue, 'waiting', { jobId: id, prev: 'active' });
}

/** Moves an active job to waiting-children. Returns false when it has no pending children. */
export function waitForChildren(queue: QueueState, { id, token }: HeldJob): boolean {
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

export interface ReturnToWaitOptions extends HeldJob {
  now: number;
}

/**
 * Puts an active job back into its place among the waiting jobs without counting an attempt.
 * Returns the rest of the rate limit window in milliseconds.
 */
export function returnToWait(queue: QueueState, { id, token, now }: ReturnToWaitOptions): number {
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

export interface ReprocessOptions {
  id: string;
  from: 'failed' | 'completed';
  /** Whether the job goes before the waiting jobs of its priority. */
  lifo: boolean;
  resetAttemptsMade: boolean;
  resetAttemptsStarted: boolean;
}

/** Moves a finished job to the waiting state. */
export function reprocess(queue: QueueState, options: ReprocessOptions): void {
  const { id, from, lifo, resetAttemptsMade, resetAttemptsStarted } = options;
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
    resetAttemptsMade ? 0 : 1,
    resetAttemptsStarted ? 0 : 1,
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

export interface RetryFinishedOptions {
  from: 'failed' | 'completed';
  /** The largest number of jobs. */
  count: number;
  /** Jobs that ended later are left; null: none. */
  until: number | null;
}

/** Moves the finished jobs that ended first to the waiting state. Returns their number. */
export function retryFinished(queue: QueueState, { from, count, until }: RetryFinishedOptions): number {
  const ended = queue.store.rows<[id: string]>(
    'SELECT id FROM job WHERE queue = ? AND state = ? AND score <= ? ORDER BY score, seq LIMIT ?',
    queue.id,
    STATE[from],
    until ?? Number.MAX_SAFE_INTEGER,
    count,
  );
  for (const [id] of ended)
    reprocess(queue, { id, from, lifo: false, resetAttemptsMade: true, resetAttemptsStarted: true });
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

export interface ChangeDelayOptions {
  id: string;
  /** The new delay from `now` on. */
  delay: number;
  now: number;
}

/** Changes the delay of a delayed job. */
export function changeDelay(queue: QueueState, { id, delay, now }: ChangeDelayOptions): void {
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

export interface ChangePriorityOptions {
  id: string;
  priority: number;
  /** Whether the job goes before the waiting jobs of its new priority. */
  lifo: boolean;
}

/** Changes the priority of a job, and its position if it is waiting. */
export function changePriority(queue: QueueState, { id, priority, lifo }: ChangePriorityOptions): void {
  const [key, state] = keyAndState(queue, id);
  queue.store.run('UPDATE job SET priority = ? WHERE key = ?', priority, key);
  if (state === STATE.waiting) toWaiting(queue, key, lifo);
}
