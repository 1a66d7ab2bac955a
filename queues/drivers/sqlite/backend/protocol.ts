import type { MessagePort } from 'node:worker_threads';
import type { OPERATIONS } from './operations/table.js';
import type { OperationRefusalCode } from './refusal.js';

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

/** The lock and rate limit of a claim. */
export interface ClaimOptions {
  token: string;
  lockMs: number;
  worker: string | null;
  limiterMax: number | null;
  limiterDuration: number | null;
}

/**
 * The claimed job; without one, the rest of the rate limit in milliseconds and when the next
 * delayed job is due (Unix milliseconds; 0: none).
 */
export type Claim = [job: JobRow | null, rateLimitMs: number, nextDelayed: number];

/** What to do with a finished job, and with older ones. */
export interface Retention {
  remove: boolean;
  /** In seconds. */
  age: number | null;
  count: number | null;
  limit: number | null;
}

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
type Rest<T> = T extends [unknown, ...infer R] ? R : never;
export type OperationArguments<K extends OperationName> = Rest<Parameters<Operations[K]>>;
export type OperationResult<K extends OperationName> = ReturnType<Operations[K]>;

/** One operation: its name, its queue and its arguments. */
export type OperationCall = [name: OperationName, queue: string, ...args: unknown[]];

/**
 * Main thread → database thread: the operations of one turn of the event loop, or the request to
 * close.
 */
export type ThreadRequest = OperationCall[] | 'close';

export interface OperationFailure {
  /** The reason of a refusal. */
  refusal?: OperationRefusalCode;
  /** SQLite's result code, for a database failure. */
  code?: string;
  message: string;
}

/** A failure and its null result, or null and the result. */
export type OperationOutcome = [failure: OperationFailure | null, result: unknown];

/**
 * Database thread → main thread: the outcomes in the order of the calls, sent once they are
 * durable.
 */
export type ThreadReply =
  | { kind: 'opened' }
  | { kind: 'unopened'; code: string; message: string }
  | {
      kind: 'done';
      outcomes: OperationOutcome[];
      wokenQueues: [queue: string, from: number][];
      eventful: string[];
    }
  | { kind: 'closed' };

/** What the thread starts with. */
export interface ThreadData {
  port: MessagePort;
  options: ThreadOptions;
  /** See `createCallLock`. */
  lock: SharedArrayBuffer;
}

export interface ThreadOptions {
  file: string;
  events: boolean;
  busyTimeoutMs: number;
  /** SQL of the caller, run when the file is opened. */
  setup: string | null;
}
