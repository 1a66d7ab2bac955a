import type { AttemptFailure, Claim, ClaimOptions, HeldJob, Retention } from '../operation-types.js';
import { REFUSAL, Refusal } from '../refusal.js';
import { DEPENDENCY, STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { addJob } from './add.js';
import { claim } from './claim.js';
import { finishDedup } from './dedup.js';
import { resolveDependency, resolveFailedChild } from './dependencies.js';
import { publish } from './events.js';
import { collectMetrics } from './metrics.js';
import { deleteJob } from './rows.js';

/** The largest number of retained jobs to delete per finished job. */
const TRIM_AT_ONCE = 1000;

type ActiveJobRow = [
  key: number,
  state: number,
  token: string | null,
  opts: string,
  attemptsMade: number,
  dedupId: string | null,
  parentQueue: string | null,
  parentId: string | null,
  children: number,
  pending: number,
];

/** Returns the job if the caller still holds its lock; throws a Refusal otherwise. */
export function held(queue: QueueState, { id, token }: HeldJob): ActiveJobRow {
  const job = queue.store.row<ActiveJobRow>(
    `SELECT key, state, lock_token, opts, attempts_made, dedup_id, parent_queue, parent_id, children, pending
     FROM job WHERE queue = ? AND id = ?`,
    queue.id,
    id,
  );
  if (job === undefined) throw new Refusal(REFUSAL.missingJob);
  const [, state, lock] = job;
  if (state !== STATE.active) throw new Refusal(REFUSAL.notInState);
  if (token !== '0' && lock !== token) throw new Refusal(REFUSAL.lockMismatch);
  return job;
}

/** What the ends of a job have in common. */
export interface FinishOptions extends HeldJob {
  finishedOn: number;
  retention: Retention;
  /** The length of the metrics series; 0: no metrics are kept. */
  maxDataPoints: number;
  /** Claims the next job in the same transaction; null: claims none. */
  next: ClaimOptions | null;
}

export interface PermanentFailure extends AttemptFailure {
  reason: string;
}

/** The outcome of a job, as recorded in its row. */
interface Outcome {
  state: 'completed' | 'failed';
  returnValue: string | null;
  reason: string | null;
  stacktrace: string | null;
}

/**
 * Completes a job. Returns the claim of the next one, if `next` asks for it.
 *
 * @param returnValue JSON.
 */
export function complete(queue: QueueState, options: FinishOptions, returnValue: string): Claim | null {
  const { id, finishedOn } = options;
  const job = held(queue, options);
  const [key, , , , , dedupId, parentQueue, parentId, children, pending] = job;
  if (children > 0) {
    if (pending > 0) throw new Refusal(REFUSAL.pendingChildren);
    if (hasFailedChild(queue, key)) throw new Refusal(REFUSAL.failedChildren);
  }
  publish(queue, 'completed', { jobId: id, returnvalue: returnValue, prev: 'active' });
  if (parentQueue !== null && parentId !== null) {
    const parent = { queue: parentQueue, id: parentId };
    const outcome = { status: DEPENDENCY.processed, value: returnValue };
    resolveDependency(queue, { id, parent, outcome, now: finishedOn });
  }
  retain(queue, key, options, { state: 'completed', returnValue, reason: null, stacktrace: null });
  return leave(queue, 'completed', options, dedupId);
}

/** Fails a job permanently. Returns the claim of the next one, if `next` asks for it. */
export function fail(queue: QueueState, options: FinishOptions, failure: PermanentFailure): Claim | null {
  const { id, finishedOn, retention } = options;
  const { reason, stacktrace } = failure;
  const job = held(queue, options);
  const [key, , , opts, attemptsMade, dedupId, parentQueue, parentId] = job;
  publish(queue, 'failed', { jobId: id, failedReason: reason, prev: 'active' });
  publish(queue, 'retries-exhausted', { jobId: id, attemptsMade: attemptsMade + 1 });
  if (parentQueue !== null && parentId !== null) {
    const parent = { queue: parentQueue, id: parentId };
    resolveFailedChild(queue, { id, parent, opts, reason, now: finishedOn });
    // A failed child that is not kept can never be retried, so its parent must not wait for it.
    if (retention.remove) resolveDependency(queue, { id, parent, outcome: null, now: finishedOn });
  }
  retain(queue, key, options, { state: 'failed', returnValue: null, reason, stacktrace });
  return leave(queue, 'failed', options, dedupId);
}

/** Returns whether a child of the job has failed and its failure must fail the parent. */
export function hasFailedChild(queue: QueueState, key: number): boolean {
  return (
    queue.store.row(
      `SELECT 1 FROM dependency WHERE parent = ? AND status = ${DEPENDENCY.failed} LIMIT 1`,
      key,
    ) !== undefined
  );
}

/** Keeps or deletes the finished job according to its retention, and trims the older ones. */
function retain(
  queue: QueueState,
  key: number,
  { finishedOn, retention }: FinishOptions,
  { state, returnValue, reason, stacktrace }: Outcome,
): void {
  const { store } = queue;
  if (retention.remove) {
    deleteJob(store, key);
    return;
  }
  store.run(
    `UPDATE job SET state = ?, score = ?, seq = ?, finished_on = ?, return_value = ?, failed_reason = coalesce(?, failed_reason),
       stacktrace = coalesce(?, stacktrace), deferred_failure = NULL, lock_token = NULL, locked_until = NULL,
       attempts_made = attempts_made + 1 WHERE key = ?`,
    STATE[state],
    finishedOn,
    store.nextSeq(),
    finishedOn,
    returnValue,
    reason,
    stacktrace,
    key,
  );
  trim(queue, STATE[state], finishedOn, retention);
}

/** Deletes the finished jobs of a state that are older or more than the retention allows. */
function trim(queue: QueueState, state: number, now: number, { age, count, limit }: Retention): void {
  const { store } = queue;
  if (age !== null && age >= 0) {
    const old = store.rows<[number]>(
      'SELECT key FROM job WHERE queue = ? AND state = ? AND score <= ? ORDER BY score LIMIT ?',
      queue.id,
      state,
      now - age * 1000,
      limit ?? TRIM_AT_ONCE,
    );
    for (const [each] of old) deleteJob(store, each);
  }
  if (count !== null && count >= 0) {
    const beyond = store.rows<[number]>(
      'SELECT key FROM job WHERE queue = ? AND state = ? ORDER BY score DESC, seq DESC LIMIT ? OFFSET ?',
      queue.id,
      state,
      TRIM_AT_ONCE,
      count,
    );
    for (const [each] of beyond) deleteJob(store, each);
  }
}

/** What follows from the end of a job, whichever it was. */
function leave(
  queue: QueueState,
  kind: 'completed' | 'failed',
  { id, finishedOn, maxDataPoints, next }: FinishOptions,
  dedupId: string | null,
): Claim | null {
  if (maxDataPoints > 0) collectMetrics(queue, { kind, maxDataPoints, at: finishedOn });
  if (dedupId !== null) {
    const kept = finishDedup(queue, { dedupId, jobId: id, now: finishedOn });
    if (kept !== null) addJob(queue, kept);
  }
  const taken = next === null ? null : claim(queue, next, finishedOn);
  const [nextJob = null] = taken ?? [];
  if (queue.store.keepsEvents && nextJob === null) announceDrained(queue);
  return taken;
}

function announceDrained(queue: QueueState): void {
  const left = (state: number): boolean =>
    queue.store.row('SELECT 1 FROM job WHERE queue = ? AND state = ? LIMIT 1', queue.id, state) !== undefined;
  if (!left(STATE.active) && (queue.isPaused || !left(STATE.waiting))) publish(queue, 'drained', {});
}
