import type { Claim, ClaimLimits, ClaimOptions, JobRow } from '../operation-types.js';
import { STATE } from '../schema.js';
import type { QueueState } from '../store.js';
import { publish } from './events.js';
import { consumeLimit, limitedFor } from './rate-limit.js';
import { JOB_COLUMNS, withPayload } from './rows.js';

const TAKE = `
UPDATE job SET state = ${STATE.active}, score = 0, lock_token = ?, locked_until = ?, processed_on = ?, processed_by = ?,
  attempts_started = attempts_started + 1, stalled_mark = 0
WHERE key = (SELECT key FROM job WHERE queue = ? AND state = ${STATE.waiting} ORDER BY score, seq LIMIT 1)
RETURNING ${JOB_COLUMNS}`;

/** Gives the next job to a worker, with a lock that expires unless it is renewed. */
export function claim(queue: QueueState, options: ClaimOptions, now: number): Claim {
  return take(queue, options.token, options, now);
}

function take(queue: QueueState, token: string, limits: ClaimLimits, now: number): Claim {
  const { store } = queue;
  promoteDue(queue, now);
  const rateLimitMs = limitedFor(queue, limits.limiterMax, now);
  if (queue.isPaused || isMaxed(queue) || rateLimitMs > 0) return nothing(queue, rateLimitMs);
  const row = store.row<JobRow>(TAKE, token, now + limits.lockMs, now, limits.worker, queue.id);
  if (row === undefined) return nothing(queue, 0);
  if (limits.limiterMax !== null || queue.meta.has('max')) consumeLimit(queue, limits.limiterDuration, now);
  const [, jobId] = row;
  publish(queue, 'active', { jobId, prev: 'waiting' });
  return [withPayload(store, row), 0, 0];
}

export interface ClaimManyOptions extends ClaimLimits {
  tokens: readonly string[];
  now: number;
}

/** Claims one job per token, up to and including the first claim without a job. */
export function claimMany(queue: QueueState, options: ClaimManyOptions): Claim[] {
  const claims: Claim[] = [];
  for (const token of options.tokens) {
    const taken = take(queue, token, options, options.now);
    claims.push(taken);
    const [job] = taken;
    if (job === null) break;
  }
  return claims;
}

function nothing(queue: QueueState, rateLimitMs: number): Claim {
  const next = queue.delayedFrom;
  return [null, rateLimitMs, rateLimitMs > 0 || next === Number.POSITIVE_INFINITY ? 0 : next];
}

/** Moves delayed jobs that are due to the waiting state, in the order of their due times. */
export function promoteDue(queue: QueueState, now: number): void {
  if (queue.delayedFrom > now) return;
  const { store } = queue;
  const due = store.rows<[key: number, id: string]>(
    `SELECT key, id FROM job WHERE queue = ? AND state = ${STATE.delayed} AND score <= ? ORDER BY score, seq`,
    queue.id,
    now,
  );
  for (const [key, id] of due) {
    store.run(
      `UPDATE job SET state = ${STATE.waiting}, due_since = score, score = priority, seq = ?, delay = 0 WHERE key = ?`,
      store.nextSeq(),
      key,
    );
    publish(queue, 'waiting', { jobId: id, prev: 'delayed' });
  }
  queue.delayedLeft();
  if (due.length > 1) queue.wake();
}

/** Returns whether the queue has as many active jobs as its global concurrency allows. */
export function isMaxed(queue: QueueState): boolean {
  const most = queue.metaNumber('concurrency');
  if (most === undefined) return false;
  const active = queue.store.row<[number]>(
    `SELECT count(*) FROM job WHERE queue = ? AND state = ${STATE.active}`,
    queue.id,
  );
  return (active?.[0] ?? 0) >= most;
}

/** Returns whether a job can be claimed now, and otherwise when the next delayed job is due. */
export function peek(queue: QueueState): { ready: boolean; nextDelayed: number | null } {
  const waiting = queue.store.row(
    `SELECT 1 FROM job WHERE queue = ? AND state = ${STATE.waiting} LIMIT 1`,
    queue.id,
  );
  const next = queue.delayedFrom;
  return {
    ready: waiting !== undefined && !queue.isPaused,
    nextDelayed: next === Number.POSITIVE_INFINITY ? null : next,
  };
}
