import type { Settlement } from '../src/ports/queue.js';
import type { InvocationJob } from './driver.js';
import type { JobStore } from './job-store.js';
import { DOUBLING, doublingBackoff } from './jobs.js';

/**
 * Moves an unfinished job back into its queue: for a retry after its backoff, which counts an
 * attempt, or for a delay, which does not. Resolves with the due time after a delay, and with null
 * after a retry.
 */
export async function putBack(
  store: JobStore,
  job: InvocationJob,
  token: string,
  settlement: Exclude<Settlement, { kind: 'done' }>,
): Promise<{ until: number } | null> {
  const id = job.id ?? '';
  const now = Date.now();
  if (settlement.kind === 'later') {
    await store.moveToDelayed(id, now, settlement.delayMs, token, { skipAttempt: true });
    return { until: now + settlement.delayMs };
  }
  // BullMQ stores the stack of every failed attempt in the job; here each would repeat the same
  // line.
  const fieldsToUpdate = { failedReason: settlement.error, stacktrace: JSON.stringify(job.stacktrace ?? []) };
  const delayMs = backoffOf(job);
  if (delayMs > 0) await store.moveToDelayed(id, now, delayMs, token, { fieldsToUpdate });
  else await store.retryJob(id, false, token, { fieldsToUpdate });
  return null;
}

function backoffOf({ opts, attemptsMade }: InvocationJob): number {
  const backoff = typeof opts.backoff === 'object' ? opts.backoff : undefined;
  const delayMs = backoff?.delay ?? 0;
  return backoff?.type === DOUBLING ? doublingBackoff(delayMs, attemptsMade + 1) : delayMs;
}
