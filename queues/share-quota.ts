import type { QueueShare, QueueUse } from '../src/ports/queue.js';

/** The quotas that limit what a namespace may have in the queue. */
export type ShareQuota = 'waiting_jobs' | 'waiting_mb' | 'delayed_jobs';

/** The jobs and input bytes that a group adds to the use of its namespace. */
export type ShareUse = Pick<QueueUse, 'waiting' | 'delayed' | 'bytes'>;

/**
 * Returns the quota that adding `more` to `used` would exceed, or null. A job whose first attempt
 * is delayed counts against `delayed_jobs` until it is due and against `waiting_jobs` afterwards;
 * its input counts against `waiting_mb` throughout.
 */
export function exceededQuota(used: ShareUse, more: ShareUse, share: QueueShare): ShareQuota | null {
  if (more.delayed > 0 && used.delayed + more.delayed > share.delayedJobs) return 'delayed_jobs';
  if (used.bytes + more.bytes > share.waitingBytes) return 'waiting_mb';
  return more.waiting > 0 && used.waiting + more.waiting > share.waitingJobs ? 'waiting_jobs' : null;
}
