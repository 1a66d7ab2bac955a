import type { Job, JobsOptions } from 'bullmq';
import type { TriggerKind } from '../src/contract/invocation.js';
import type { QueueKind } from './queue-names.js';

/**
 * An invocation as stored in a job. Keys are short and omitted for default values, because a job is
 * written and read at every hop and most inputs are small.
 */
export interface JobData {
  /** Namespace. */
  n: string;
  /** Function id. */
  f: string;
  /** Version. */
  v: number;
  /** Trigger. */
  t: TriggerKind;
  /** Trigger depth, when not 0. */
  d?: number;
  /** The caller's wallet, if any. */
  w?: string;
  /** Input as text; absent when it is in `b`. */
  i?: string;
  /**
   * Input as base64, when it is not valid UTF-8 or contains a NUL, which not every store preserves.
   */
  b?: string;
  /** Input size in bytes. */
  s: number;
  /** When the invocation was accepted, in Unix milliseconds. */
  a: number;
  /** Reply address. */
  r?: string;
  /** The maximum age, in milliseconds. */
  m?: number;
  /** Callback URL. */
  c?: string;
  /** The retention of the result, in milliseconds. */
  k: number;
  /** Trace context. */
  p?: string;
  /** HTTP request. */
  h?: string;
  /** The id of the invocation that caused this one. */
  u?: string;
  /** The id of the message that triggered it. */
  g?: string;
}

/** Returns the queue of a job: `sync` if it has a reply address. */
export function queueKindOf(data: JobData): QueueKind {
  return data.r === undefined ? 'async' : 'sync';
}

/** A BullMQ job that carries an invocation. */
export type InvocationJob = Job<JobData, void>;

/** A job as it is passed to a driver. */
export interface NewJob {
  id: string;
  name: string;
  data: JobData;
  opts: JobsOptions;
  /** See `QueuedInvocation`. */
  overdraft: number;
}
