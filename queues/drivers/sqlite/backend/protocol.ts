import type { MessagePort } from 'node:worker_threads';
import type { OPERATIONS } from './operations/table.js';
import type { OperationRefusalCode } from './refusal.js';

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
