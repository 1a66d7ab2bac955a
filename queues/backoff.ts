import type { BackoffOptions } from 'bullmq';
import type { QueuedInvocation } from '../src/ports/queue.js';
import type { InvocationJob } from './job-data.js';

/** The name of this project's exponential backoff: BullMQ's own has no upper limit. */
const DOUBLING = 'doubling';
const BACKOFF_CAP_MS = 300_000;
const JITTER = 0.2;

/** Converts a backoff to the option of a job. */
export function toBackoff({ type, delayMs }: QueuedInvocation['backoff']): BackoffOptions {
  return { type: type === 'fixed' ? 'fixed' : DOUBLING, delay: delayMs };
}

/** Returns the delay before the retry of a job whose attempt has failed, in milliseconds. */
export function retryDelayOf({ opts, attemptsMade }: InvocationJob): number {
  const backoff = typeof opts.backoff === 'object' ? opts.backoff : undefined;
  const delayMs = backoff?.delay ?? 0;
  return backoff?.type === DOUBLING ? doublingBackoff(delayMs, attemptsMade + 1) : delayMs;
}

/**
 * Returns the delay before a retry in milliseconds: `delayMs`, doubled with each failure after the
 * first, at most 300 s. Jitter lengthens it by up to a fifth within that limit. No retry is earlier
 * than `retry.delay` promises, also if that is longer than 300 s.
 */
export function doublingBackoff(delayMs: number, failures: number): number {
  const doubled = delayMs * 2 ** Math.max(0, failures - 1) * (1 + JITTER * Math.random());
  return Math.round(Math.max(delayMs, Math.min(BACKOFF_CAP_MS, doubled)));
}
