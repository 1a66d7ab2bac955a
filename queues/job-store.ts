import { ErrorCode, type IQueueBackend, type JobJson, type MinimalJob } from 'bullmq';

/**
 * The largest number of jobs per command, to fetch or to add. A longer command would block the
 * store for other clients, and gain no throughput.
 */
export const MAX_JOBS_PER_COMMAND = 32;

/** Results, logs and dead letters live in the store, so BullMQ must keep no finished jobs. */
export const KEEP_NOTHING = { count: 0 };

/** The queue had no job that may run now. */
export interface EmptyQueue {
  kind: 'empty';
  /** The rest of the queue's rate limit in milliseconds; 0 without one. */
  rateLimitMs: number;
  /** When the next delayed job is due, in Unix milliseconds; 0 for none. */
  nextDelayedAt: number;
}

/** The result of fetching a job. */
export type NextJob = { kind: 'job'; json: JobJson; id: string } | EmptyQueue;

/**
 * BullMQ's marker for available jobs: a job is available now (score 0), or a delayed job is due at
 * `score` (Unix milliseconds). Waiting for a job consumes the marker, so that only one process
 * looks for the job.
 */
export type Marker = NonNullable<Awaited<ReturnType<IQueueBackend['waitForJob']>>>;

/** The marker of a job that is available now. */
export const JOB_MARKER: Marker = { member: '0', score: 0 };

/** A run of a job in this process. */
export interface HeldRun {
  /** The id of the job. */
  id: string;
  /** The token of the run's lock. */
  token: string;
  /** How often the job had been started when this run began; a later run has a larger number. */
  attemptsStarted: number;
}

/** BullMQ's backend of one queue, with what the run loop needs in addition. */
export interface JobStore extends IQueueBackend {
  /**
   * Repeats `moveToActive` for each token, in one step, until the queue is empty. Resolves with one
   * result per job, and a last one without a job when there were fewer jobs than tokens.
   */
  moveManyToActive(tokens: readonly string[]): Promise<NextJob[]>;
  /**
   * Completes a job and keeps nothing of it. Resolves with the next job if `fetchNext` is set, with
   * null otherwise.
   */
  complete(job: MinimalJob, token: string, fetchNext: boolean): Promise<NextJob | null>;
  /**
   * Renews the locks of runs. A lock that has expired is set again if the job still belongs to its
   * run: the store may have been away for longer than a lock lasts. Resolves with the ids of the
   * jobs that belong to another run, or to none.
   */
  renewLocks(runs: readonly HeldRun[]): Promise<string[]>;
  /**
   * Puts back a marker that this process has consumed but cannot act on, so that another process
   * does.
   */
  returnMarker(marker: Marker): Promise<void>;
}

/** Returns whether BullMQ refused an operation because nobody holds the lock of the job. */
export function isUnlocked(error: unknown): boolean {
  return isLost(error) && (error as { code?: unknown }).code === ErrorCode.JobLockNotExist;
}

/**
 * Returns whether BullMQ refused an operation because the job is gone or another worker holds its
 * lock.
 */
export function isLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code < 0;
}
