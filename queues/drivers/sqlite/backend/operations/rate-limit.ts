import type { QueueState } from '../store.js';

/** How many jobs have been claimed in the current window, and the rest of it in milliseconds. */
function currentWindow(queue: QueueState, now: number): { points: number; leftMs: number } | undefined {
  const [points = 0, expiresAt = 0] =
    queue.store.row<[points: number, expiresAt: number]>(
      'SELECT points, expires_at FROM rate_limit WHERE queue = ?',
      queue.id,
    ) ?? [];
  return expiresAt > now ? { points, leftMs: expiresAt - now } : undefined;
}

/**
 * Returns how long no job may be claimed, in milliseconds; 0 when the limit is not reached. The
 * limit of the queue takes precedence over that of the worker.
 */
export function limitedFor(queue: QueueState, workerMax: number | null, now: number): number {
  const max = queue.metaNumber('max') ?? workerMax;
  if (max === null) return 0;
  const window = currentWindow(queue, now);
  return window !== undefined && window.points >= max ? window.leftMs : 0;
}

/** Counts one job against the current window, or starts a new window. */
export function consumeLimit(queue: QueueState, workerDuration: number | null, now: number): void {
  const duration = workerDuration ?? queue.metaNumber('duration');
  if (duration === undefined) return;
  queue.store.run(
    `INSERT INTO rate_limit (queue, points, expires_at) VALUES (?1, 1, ?2 + ?3)
     ON CONFLICT (queue) DO UPDATE SET
       points = CASE WHEN expires_at <= ?2 THEN 1 ELSE points + 1 END,
       expires_at = CASE WHEN expires_at <= ?2 THEN ?2 + ?3 ELSE expires_at END`,
    queue.id,
    now,
    duration,
  );
}

export interface RateLimitTtlOptions {
  /** The limit to compare with; 0: the queue's own. */
  maxJobs: number;
  now: number;
}

/**
 * Returns the remaining rate limit as BullMQ's interface defines it; without any limit, the rest of
 * the current window, or -2 when there is none.
 */
export function rateLimitTtl(queue: QueueState, { maxJobs, now }: RateLimitTtlOptions): number {
  const window = currentWindow(queue, now);
  const max = maxJobs > 0 ? maxJobs : queue.metaNumber('max');
  if (max === undefined) return window?.leftMs ?? -2;
  return window !== undefined && window.points >= max ? window.leftMs : 0;
}

export interface SetRateLimitOptions {
  /** How long no job may be claimed from `now` on. */
  ms: number;
  now: number;
}

/** Blocks claims for a time. */
export function setRateLimit(queue: QueueState, { ms, now }: SetRateLimitOptions): void {
  queue.store.run(
    'INSERT OR REPLACE INTO rate_limit (queue, points, expires_at) VALUES (?, ?, ?)',
    queue.id,
    Number.MAX_SAFE_INTEGER,
    now + ms,
  );
}

/** Ends the current window. Returns the number of deleted rows. */
export function removeRateLimit(queue: QueueState): number {
  queue.wakeIfWaiting();
  return queue.store.run('DELETE FROM rate_limit WHERE queue = ?', queue.id);
}

/** Returns the rest of the current window in milliseconds, regardless of the limit. */
export function windowLeft(queue: QueueState, now: number): number {
  return currentWindow(queue, now)?.leftMs ?? 0;
}
