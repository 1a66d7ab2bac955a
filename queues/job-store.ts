import type { IQueueBackend, JobJson } from 'bullmq';

/** What a backend answers when it is asked for a job. */
export type NextJob = [
  /** Null when there was none. */
  json: JobJson | null,
  id: string,
  /** Milliseconds for which the queue's rate limit holds; 0 when it does not. */
  limitedMs: number,
  /** When there was none: Unix milliseconds at which the next delayed job is due; 0 for none. */
  lookAgainAt: number,
];

/**
 * BullMQ's sign that there is something to look for: a job (score 0), or one whose delay is over at
 * `score`. Whoever waits for jobs takes it away, so that one process looks.
 */
export type Marker = NonNullable<Awaited<ReturnType<IQueueBackend['waitForJob']>>>;

/** The marker of a job that can be taken now. */
export const JOB_MARKER: Marker = { member: '0', score: 0 };

/** BullMQ's backend of one queue, with the two operations that the run loop needs beside them. */
export interface JobStore extends IQueueBackend {
  /**
   * As `moveToActive` for each token in turn, in one step, until there is no job: one answer for
   * each job, and a last one without a job when there were fewer than tokens.
   */
  moveManyToActive(tokens: readonly string[]): Promise<NextJob[]>;
  /** Puts a marker back that this process has taken and cannot follow, for another one. */
  returnMarker(marker: Marker): Promise<void>;
}

/**
 * The part of an answer of `moveToCompleted` that says which job is next; null when it does not.
 */
export function nextJobOf(result: unknown): NextJob | null {
  if (!Array.isArray(result) || result.length === 0) return null;
  const [json = null, id = '', limitedMs = 0, lookAgainAt = 0] = result;
  return [json, String(id), Number(limitedMs) || 0, Number(lookAgainAt) || 0];
}

/** BullMQ's scripts refuse with these codes when the job is gone, or another worker's. */
export function isLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code < 0;
}
