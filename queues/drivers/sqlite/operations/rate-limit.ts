import type { QueueState } from '../queue-state.js';

type Window = [points: number, expiresAt: number];

function currentWindow(queue: QueueState, now: number): Window | undefined {
  const window = queue.store.row<Window>(
    'SELECT points, expires_at FROM rate_limit WHERE queue = ?',
    queue.id,
  );
  return window !== undefined && window[1] > now ? window : undefined;
}

/**
 * How long no more than these may be taken; 0 when some may. The queue's own limit goes before a
 * worker's.
 */
export function limitedFor(queue: QueueState, workerMax: number | null, now: number): number {
  const max = queue.metaNumber('max') ?? workerMax;
  if (max === null) return 0;
  const window = currentWindow(queue, now);
  return window !== undefined && window[0] >= max ? window[1] - now : 0;
}

/** Counts one job against the current window, or begins one. */
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

/**
 * As BullMQ asks: against a number, else the queue's own limit, else what is left of the window, -2
 * when there is none.
 */
export function rateLimitTtl(queue: QueueState, maxJobs: number, now: number): number {
  const window = currentWindow(queue, now);
  const max = maxJobs > 0 ? maxJobs : queue.metaNumber('max');
  if (max === undefined) return window === undefined ? -2 : window[1] - now;
  return window !== undefined && window[0] >= max ? window[1] - now : 0;
}

/** Nothing more is taken for so long. */
export function setRateLimit(queue: QueueState, ms: number, now: number): void {
  queue.store.run(
    'INSERT OR REPLACE INTO rate_limit (queue, points, expires_at) VALUES (?, ?, ?)',
    queue.id,
    Number.MAX_SAFE_INTEGER,
    now + ms,
  );
}

export function removeRateLimit(queue: QueueState): number {
  queue.wakeIfWaiting();
  return queue.store.run('DELETE FROM rate_limit WHERE queue = ?', queue.id);
}

/** What is left of the current window, whatever the limit. */
export function windowLeft(queue: QueueState, now: number): number {
  const window = currentWindow(queue, now);
  return window === undefined ? 0 : window[1] - now;
}
