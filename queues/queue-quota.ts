import type { NamespaceQueueLimits, QueueUse } from '../src/ports/queue.js';

/** The quotas that limit what a namespace may have in the queue. */
export type QueueQuota = 'waiting_jobs' | 'waiting_mb' | 'delayed_jobs';

/** The jobs and input bytes that a group adds to the use of its namespace. */
export type WaitingUse = Pick<QueueUse, 'waiting' | 'delayed' | 'bytes'>;

/**
 * Returns a limit of the queue raised by a quarter per level of `overdraft`, of which there are as
 * many as trigger depths. See `QueuedInvocation`.
 */
export function raised(limit: number, overdraft: number): number {
  return limit + Math.ceil(limit / 4) * overdraft;
}

/**
 * Returns the quota that adding `more` to `used` would exceed, or null. A job whose first attempt
 * is delayed counts against `delayed_jobs` until it is due and against `waiting_jobs` afterwards;
 * its input counts against `waiting_mb` throughout.
 */
export function exceededQuota(
  used: WaitingUse,
  more: WaitingUse,
  limits: NamespaceQueueLimits,
  overdraft: number,
): QueueQuota | null {
  if (more.delayed > 0 && used.delayed + more.delayed > limits.delayedJobs) return 'delayed_jobs';
  if (used.bytes + more.bytes > raised(limits.waitingBytes, overdraft)) return 'waiting_mb';
  const maxJobs = raised(limits.waitingJobs, overdraft);
  return more.waiting > 0 && used.waiting + more.waiting > maxJobs ? 'waiting_jobs' : null;
}
