import { MB } from '../src/contract/limits.js';
import { quotaExceeded } from '../src/contract/quotas.js';
import { AppError } from '../src/errors.js';
import type { QueueShare, QueueUse } from '../src/ports/queue.js';
import type { QueueLimits } from './driver.js';

/** Long enough for some jobs to be worked off, short enough to be told soon. */
const RETRY_AFTER_SECONDS = 5;

/** The queue holds as much as it may. */
export function queueFull(limits: QueueLimits): AppError {
  return new AppError(
    'queue_full',
    `The queue is full (at most ${limits.maxWaiting} waiting jobs and ${Math.floor(limits.maxBytes / (1 << 20))} MB of input); nothing was accepted, try again later.`,
    { retryAfter: RETRY_AFTER_SECONDS },
  );
}

/** The quotas that bound a namespace on the queue. */
export type ShareQuota = 'waiting_jobs' | 'waiting_mb' | 'delayed_jobs';

/** What a group of jobs adds to a namespace. */
export type ShareUse = Pick<QueueUse, 'waiting' | 'delayed' | 'bytes'>;

/**
 * The quota that `more` would take the namespace beyond, if any. A job whose first attempt is
 * delayed counts against `delayed_jobs` until it is due and against `waiting_jobs` from then on;
 * its input counts as bytes in both times.
 */
export function quotaPassed(used: ShareUse, more: ShareUse, share: QueueShare): ShareQuota | null {
  if (more.delayed > 0 && used.delayed + more.delayed > share.delayedJobs) return 'delayed_jobs';
  if (used.bytes + more.bytes > share.waitingBytes) return 'waiting_mb';
  return more.waiting > 0 && used.waiting + more.waiting > share.waitingJobs ? 'waiting_jobs' : null;
}

/** The refusal for that; `used` in jobs, or in bytes. */
export function shareRefusal(
  quota: ShareQuota,
  namespace: string,
  used: number,
  share: QueueShare | undefined,
): AppError {
  const { waitingJobs = 0, waitingBytes = 0, delayedJobs = 0 } = share ?? {};
  const limits = { waiting_jobs: waitingJobs, waiting_mb: waitingBytes / MB, delayed_jobs: delayedJobs };
  const shown = quota === 'waiting_mb' ? used / MB : used;
  return quotaExceeded(quota, {
    namespace,
    limit: limits[quota],
    used: shown,
    retryAfter: RETRY_AFTER_SECONDS,
  });
}

/** The queue did not take the jobs, for sure: they will not run. */
export function queueUnavailable(cause?: unknown): AppError {
  return new AppError('unavailable', 'The queue cannot be reached; nothing was accepted, try again later.', {
    ...(cause === undefined ? {} : { cause }),
    retryAfter: 1,
  });
}
