import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { TriggerKind } from '../contract/invocation.js';
import type { CancelSignal } from './cancel-signal.js';
import type { Closable } from './closable.js';

/**
 * One accepted invocation: what its job carries. Everything that decides how it runs is pinned
 * here.
 */
export interface Invocation {
  id: RequestId;
  namespace: Namespace;
  function: FunctionName;
  functionId: string;
  version: number;
  trigger: TriggerKind;
  /** 0 for a direct call, else the depth of the event that fired it. */
  triggerDepth: number;
  /** Subject of the caller's JWT; '' for API-key, public and event calls. */
  callerWallet: string;
  input: Uint8Array;
  /** Unix milliseconds. */
  acceptedAt: number;
  /** The gateway whose client waits for the reply; absent when nobody waits. */
  replyTo?: string;
  /** Older than this when its turn comes: dead, reason `expired`. */
  maxAgeMs?: number;
  callbackUrl?: string;
  /** How long the result is kept, milliseconds. */
  resultTtlMs: number;
  /** The invocation that published, enqueued or was replayed into this one. */
  parentId?: RequestId;
  /** The message that fired it. */
  messageId?: RequestId;
  /** W3C trace context of the request that was accepted. */
  traceparent?: string;
  /** What `http_request()` returns, as JSON text: of an HTTP function. */
  httpRequest?: string;
}

export interface QueuedInvocation {
  invocation: Invocation;
  /** 1 + retry.count. */
  attempts: number;
  backoff: { type: 'fixed' | 'exponential'; delayMs: number };
  /** Before the first attempt. */
  delayMs: number;
}

/** A job delivered to a worker. */
export interface Delivery {
  invocation: Invocation;
  /** Counts from 1; failures and worker crashes each raise it. */
  attempt: number;
  /** Failed attempts so far: crashes not counted. */
  failures: number;
  /** Times a worker died that had this job. */
  crashes: number;
  /** How many of these times its guest had begun. */
  crashesWhileRunning: number;
  /** 1 + retry.count. */
  attempts: number;
  /** True when an error now is the last: no retry is left. */
  isLastAttempt: boolean;
  /** True when this attempt was begun before: its worker died, or it was put back for a while. */
  redelivered: boolean;
  /**
   * Aborted when the invocation is cancelled (reason 'cancelled'), or this worker has lost the job
   * to another ('lost').
   */
  signal: CancelSignal;
  /** Says that the guest begins: from now on a crash of this worker may be its doing. */
  begun(): void;
  /**
   * Says that the work is over and only its end is still to be written: another job may begin,
   * unless calls come in. Once is enough.
   */
  releaseSlot(): void;
}

/** What becomes of a job when its handler is done. */
export type Settlement =
  /** Over, for good or ill: the job leaves the queue. */
  | { kind: 'done' }
  /** Retried after the backoff; uses up an attempt. */
  | { kind: 'retry'; error: string }
  /** Back into the queue for a while; uses up no attempt. */
  | { kind: 'later'; delayMs: number };

export type DeliveryHandler = (delivery: Delivery) => Promise<Settlement>;

export interface LiveInvocation {
  invocation: Invocation;
  state: 'queued' | 'running' | 'retrying';
  failures: number;
  crashes: number;
}

/** One whose job somebody has removed from the queue with another tool, before it had ended. */
export interface RemovedInvocation {
  /** Its input is empty, and its callback unknown, where the driver keeps neither. */
  invocation: Invocation;
  inputSize: number;
  hasInput: boolean;
}

/** True when its end is durable, so that the queue may forget it; else it is told of again. */
export type RemovedHandler = (removed: RemovedInvocation) => Promise<boolean>;

export interface LivePage {
  items: LiveInvocation[];
  /** Opaque; null at the end. */
  next: string | null;
}

export interface QueueCounts {
  /** Waiting for a worker, delayed first attempts included. */
  waiting: number;
  running: number;
  retrying: number;
  /** Bytes of input of all jobs not yet ended. */
  bytes: number;
  /** Milliseconds that the oldest ready job has waited; 0 when none waits. */
  oldestMs: number;
}

/**
 * What a namespace may have on the queue: its quotas `waiting_jobs`, `waiting_mb` in bytes, and
 * `delayed_jobs`.
 */
export interface QueueShare {
  waitingJobs: number;
  waitingBytes: number;
  delayedJobs: number;
}

/** What a namespace has on the queue. */
export interface QueueUse {
  /** Ready or to be retried; neither running nor delayed before the first attempt. */
  waiting: number;
  running: number;
  /** Whose first attempt is not due yet. */
  delayed: number;
  /** Input of all of these. */
  bytes: number;
  /** Milliseconds since the oldest that waits was accepted; 0 when none waits. */
  oldestMs: number;
}

export interface ConsumerOptions {
  /** Jobs this process takes at once. */
  concurrency: number;
}

export interface Schedule {
  /** The trigger's id. */
  id: string;
  cron: string;
  timezone: string;
}

/** Called once per due tick, by one process only; a missed tick after downtime comes once. */
export type TickHandler = (scheduleId: string, scheduledAt: number) => Promise<void>;

/**
 * The persistent queue: BullMQ on Redis or on SQLite, one queue for all functions.
 *
 * At least once. An invocation is durable when `add` resolves. A job whose worker dies is given to
 * another within 15 s (lock 8 s, then at most two stalled checks of 3 s), with `crashes` one higher
 * and no attempt used up. One that was running in MAX_WORKER_CRASHES - 1 crashes is delivered when
 * the process has nothing else in its slots, so that the next crash is that of the guilty one
 * alone. Sync invocations (`replyTo` set) go before the others; among each a namespace with a long
 * backlog does not hold up another.
 *
 * Not in it: results (the store has them), replies (the bus has them), dead letters (the store has
 * them).
 */
export interface InvocationQueue extends Closable {
  readonly driver: string;
  /**
   * All or none. An id that is already queued or running is left as it is. Throws `queue_full`,
   * `quota_exceeded` or `unavailable`, nothing accepted.
   */
  add(jobs: readonly QueuedInvocation[]): Promise<void>;
  get(id: RequestId): Promise<LiveInvocation | null>;
  /** Live invocations of a namespace, newest first as far as the queue knows. */
  list(
    namespace: Namespace,
    options: { limit: number; cursor?: string; function?: FunctionName },
  ): Promise<LivePage>;
  /**
   * `removed`: it had not started and is gone. `running`: its worker was told to stop it. `absent`:
   * not here.
   */
  cancel(id: RequestId): Promise<'removed' | 'running' | 'absent'>;
  /**
   * The invocation, when its job is not there although no worker has settled it and nobody has
   * cancelled it here. Asked after `get`, so that an end that was on its way is in the store.
   */
  removed(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null>;
  /** Told of such invocations within a minute or so, by one process at a time. */
  onRemoved(handler: RemovedHandler): void;
  counts(): Promise<QueueCounts>;
  use(namespace: Namespace): Promise<QueueUse>;
  /** Starts taking jobs; one consumer per process. `close` of it waits for those in hand. */
  consume(handler: DeliveryHandler, options: ConsumerOptions): Promise<Closable>;
  schedule(schedule: Schedule): Promise<void>;
  unschedule(id: string): Promise<void>;
  /** Unix milliseconds of the next tick, or null. */
  nextTick(id: string): Promise<number | null>;
  /** Ticks go to whichever process consumes them. */
  onTick(handler: TickHandler): Promise<Closable>;
  ping(): Promise<void>;
}
