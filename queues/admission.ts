import { AppError } from '../src/errors.js';
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

/** The queue did not take the jobs, for sure: they will not run. */
export function queueUnavailable(cause?: unknown): AppError {
  return new AppError('unavailable', 'The queue cannot be reached; nothing was accepted, try again later.', {
    ...(cause === undefined ? {} : { cause }),
    retryAfter: 1,
  });
}
