import type { IQueueBackend, JobJson } from 'bullmq';

/**
 * The largest number of jobs per command; a longer command would block the store for other clients.
 */
export const MAX_JOBS_PER_COMMAND = 32;

/** The result of fetching a job. */
export type NextJob = [
  /** Null when no job was available. */
  json: JobJson | null,
  id: string,
  /** The rest of the queue's rate limit in milliseconds; 0 without one. */
  rateLimitMs: number,
  /** Without a job: when the next delayed job is due, in Unix milliseconds; 0 for none. */
  lookAgainAt: number,
];

/**
 * BullMQ's marker for available jobs: a job is available now (score 0), or a delayed job is due at
 * `score` (Unix milliseconds). Waiting for a job consumes the marker, so that only one process
 * looks for the job.
 */
export type Marker = NonNullable<Awaited<ReturnType<IQueueBackend['waitForJob']>>>;

/** The marker of a job that is available now. */
export const JOB_MARKER: Marker = { member: '0', score: 0 };

/** BullMQ's backend of one queue, with two more operations that the run loop needs. */
export interface JobStore extends IQueueBackend {
  /**
   * Repeats `moveToActive` for each token, in one step, until the queue is empty. Resolves with one
   * result per job, and a last one without a job when there were fewer jobs than tokens.
   */
  moveManyToActive(tokens: readonly string[]): Promise<NextJob[]>;
  /**
   * Returns a marker that this process has consumed but cannot act on, so that another process
   * does.
   */
  returnMarker(marker: Marker): Promise<void>;
}

/** Extracts the next job from the result of `moveToCompleted`; null when it contains none. */
export function nextJobOf(result: unknown): NextJob | null {
  if (!Array.isArray(result) || result.length === 0) return null;
  const [json = null, id = '', rateLimitMs = 0, lookAgainAt = 0] = result;
  return [json, String(id), Number(rateLimitMs) || 0, Number(lookAgainAt) || 0];
}

/**
 * Returns whether BullMQ refused an operation because the job is gone or another worker holds its
 * lock.
 */
export function isLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code < 0;
}
