import { MB } from '../src/contract/limits.js';
import { quotaExceeded } from '../src/contract/quotas.js';
import { AppError } from '../src/errors.js';
import type { NamespaceQueueLimits } from '../src/ports/queue.js';
import type { QueueLimits } from './driver.js';
import type { QueueQuota } from './queue-quota.js';

/** Long enough for a worker to drain some jobs, short enough for a prompt retry. */
const RETRY_AFTER_SECONDS = 5;

/** Returns the error for an add that exceeds QUEUE_MAX_WAITING or QUEUE_MAX_MB. */
export function queueFull(limits: QueueLimits): AppError {
  return new AppError(
    'queue_full',
    `The queue is full (at most ${limits.maxWaiting} waiting jobs and ${Math.floor(limits.maxBytes / MB)} MB of input); nothing was accepted, try again later.`,
    { retryAfter: RETRY_AFTER_SECONDS },
  );
}

/**
 * Returns the error for an exceeded quota.
 *
 * @param used The current use: bytes for `waiting_mb`, jobs for the other quotas.
 */
export function namespaceLimitExceeded(
  quota: QueueQuota,
  namespace: string,
  used: number,
  limits: NamespaceQueueLimits | undefined,
): AppError {
  const { waitingJobs = 0, waitingBytes = 0, delayedJobs = 0 } = limits ?? {};
  const byQuota = { waiting_jobs: waitingJobs, waiting_mb: waitingBytes / MB, delayed_jobs: delayedJobs };
  const shown = quota === 'waiting_mb' ? used / MB : used;
  return quotaExceeded(quota, {
    namespace,
    limit: byQuota[quota],
    used: shown,
    retryAfter: RETRY_AFTER_SECONDS,
  });
}

/** Returns the error for an add that the queue definitely did not accept: the jobs will not run. */
export function queueUnavailable(cause?: unknown): AppError {
  const sentence = isDiskFull(cause)
    ? 'The disk that holds the queue is full; nothing was accepted, free some space and try again.'
    : 'The queue cannot be reached; nothing was accepted, try again later.';
  return new AppError('unavailable', sentence, {
    ...(cause === undefined ? {} : { cause }),
    retryAfter: 1,
  });
}

/** Returns the error for an add that was not sent or executed in time: the jobs will not run. */
export function addTooLate(): AppError {
  return new AppError(
    'unavailable',
    'The request reached the queue too late, because the engine or its store is slow; nothing was accepted, try again.',
    { retryAfter: 1 },
  );
}

function isDiskFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'SQLITE_FULL';
}
