import type { OPERATIONS } from './operations/table.js';
import type { RefusalCode } from './refusal.js';

/** A job as the thread answers it; `operations/rows.ts` names the columns in the same order. */
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

/** A job to be added. */
export interface NewJob {
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

/** How a worker takes jobs. */
export interface ClaimOptions {
  token: string;
  lockMs: number;
  worker: string | null;
  limiterMax: number | null;
  limiterDuration: number | null;
}

/**
 * The job, else how long the rate limit still holds and when the next delayed job is due (0: not at
 * all).
 */
export type Claim = [job: JobRow | null, rateLimitMs: number, nextDelayed: number];

/** What becomes of a job that has ended. */
export interface Retention {
  remove: boolean;
  /** Seconds. */
  age: number | null;
  count: number | null;
  limit: number | null;
}

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
type Rest<T> = T extends [unknown, ...infer R] ? R : never;
export type OperationArguments<K extends OperationName> = Rest<Parameters<Operations[K]>>;
export type OperationResult<K extends OperationName> = ReturnType<Operations[K]>;

/** One operation: its name, the queue it is for, its arguments. */
export type Call = [name: OperationName, queue: string, ...args: unknown[]];

/**
 * Main thread → database thread: the operations of one turn of the event loop, or the wish to
 * close.
 */
export type Request = Call[] | 'close';

export interface Failure {
  /** Why the operation was refused. */
  refusal?: RefusalCode;
  /** SQLite's code, when that failed. */
  code?: string;
  message: string;
}

/** `null` for success, beside its result. */
export type Outcome = [failure: Failure | null, result: unknown];

/**
 * Database thread → main thread: the outcomes in the order of the calls, durable when they arrive.
 */
export type Reply =
  | { kind: 'opened' }
  | { kind: 'unopened'; code: string; message: string }
  | { kind: 'done'; outcomes: Outcome[]; awakened: [queue: string, from: number][]; eventful: string[] }
  | { kind: 'closed' };

export interface ThreadOptions {
  file: string;
  events: boolean;
  busyTimeoutMs: number;
  /** Statements of the caller's own, run when the file is opened. */
  setup: string | null;
}
