/**
 * A job as the thread returns it. `JOB_COLUMNS` in operations/rows.ts lists the columns in the same
 * order.
 */
export type JobRow = [
  key: number,
  id: string,
  name: string,
  data: string | null,
  opts: string,
  priority: number,
  delay: number,
  timestamp: number,
  attemptsMade: number,
  attemptsStarted: number,
  stalledCount: number,
  processedOn: number | null,
  processedBy: string | null,
  finishedOn: number | null,
  progress: string | null,
  returnValue: string | null,
  failedReason: string | null,
  stacktrace: string | null,
  deferredFailure: string | null,
  dedupId: string | null,
  schedulerId: string | null,
  parentQueue: string | null,
  parentId: string | null,
  parentKey: string | null,
];

/** A job to add. */
export interface JobToAdd {
  id: string;
  name: string;
  /** JSON. */
  data: string;
  /** JSON. */
  opts: string;
  priority: number;
  delay: number;
  timestamp: number;
  lifo?: boolean;
  parent?: { queue: string; id: string; key: string | null };
  waitsForChildren?: boolean;
  dedup?: Deduplication;
  schedulerId?: string;
}

export interface Deduplication {
  id: string;
  ttl?: number;
  extend?: boolean;
  replace?: boolean;
  keepLastIfActive?: boolean;
  reschedule?: boolean;
}

/** A job that a worker has. */
export interface HeldJob {
  id: string;
  /** The token of its lock. With `0`, the lock is not checked. */
  token: string;
}

/** The lock and rate limit of claims. */
export interface ClaimLimits {
  lockMs: number;
  /** The name of the worker. */
  worker: string | null;
  limiterMax: number | null;
  limiterDuration: number | null;
}

export interface ClaimOptions extends ClaimLimits {
  token: string;
}

/**
 * The claimed job; without one, the rest of the rate limit in milliseconds and when the next
 * delayed job is due (Unix milliseconds; 0: none).
 */
export type Claim = [job: JobRow | null, rateLimitMs: number, nextDelayed: number];

/** The failure of an attempt, as recorded in the job. */
export interface AttemptFailure {
  reason: string | null;
  /** JSON. */
  stacktrace: string | null;
}

/** What to do with a finished job, and with older ones. */
export interface Retention {
  remove: boolean;
  /** In seconds. */
  age: number | null;
  count: number | null;
  limit: number | null;
}
