import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { TriggerKind } from '../contract/invocation.js';
import type { CancelSignal } from './cancel-signal.js';
import type { Closable } from './closable.js';

/**
 * An accepted invocation, as stored in its job. It contains everything that determines how it runs.
 */
export interface Invocation {
  id: RequestId;
  namespace: Namespace;
  function: FunctionName;
  functionId: string;
  version: number;
  trigger: TriggerKind;
  /** 0 for a direct call, otherwise the depth of the event that triggered it. */
  triggerDepth: number;
  /** Subject of the caller's JWT; '' for calls with an API key, public calls and events. */
  callerWallet: string;
  input: Uint8Array;
  /** Unix milliseconds. */
  acceptedAt: number;
  /** The web process whose client waits for the reply; absent if no client waits. */
  replyTo?: string;
  /**
   * If the invocation is older than this when it is about to start, it is dead with reason
   * `expired`.
   */
  maxAgeMs?: number;
  callbackUrl?: string;
  /** How long the result is kept, in milliseconds. */
  resultTtlMs: number;
  /**
   * The invocation that published the event, enqueued this invocation or was replayed as this one.
   */
  parentId?: RequestId;
  /** The message that triggered it. */
  messageId?: RequestId;
  /** W3C trace context of the accepted request. */
  traceparent?: string;
  /** The result of `http_request()` as JSON text, for HTTP functions. */
  httpRequest?: string;
}

export interface QueuedInvocation {
  invocation: Invocation;
  /** Maximum number of attempts: 1 + retry.count. */
  attempts: number;
  backoff: { type: 'fixed' | 'exponential'; delayMs: number };
  /** Delay before the first attempt, in milliseconds. */
  delayMs: number;
  /**
   * How far the job may exceed the limits of the queue: for the event that reports the end of an
   * invocation, its trigger depth. That invocation leaves the queue only after the event was added,
   * so a queue that is full of ended invocations would otherwise stay full. Deeper events have more
   * room than those that they wait for.
   */
  overdraft?: number;
}

/** A job as delivered to a worker. */
export interface Delivery {
  invocation: Invocation;
  /** Attempt number, starting at 1. Failures and worker crashes both increment it. */
  attempt: number;
  /** Failed attempts so far, without crashes. */
  failures: number;
  /** Number of worker crashes while a worker had this job. */
  crashes: number;
  /** Number of those crashes after the guest had begun. */
  crashesWhileRunning: number;
  /** When the guest began before each crash, in Unix milliseconds; null if that is unknown. */
  crashStarts: readonly (number | null)[];
  /** Maximum number of attempts: 1 + retry.count. */
  attempts: number;
  /** True if an error in this attempt is final, as no retry is left. */
  isLastAttempt: boolean;
  /** True if this attempt was delivered before: its worker crashed, or the job was put back. */
  redelivered: boolean;
  /** Aborted when the invocation is cancelled, or the job has been taken over by another worker. */
  signal: CancelSignal;
  /** Reports that the guest begins: from now on it may be the cause of a worker crash. */
  begun(): void;
  /**
   * Reports that the guest has ended and only the result is still to be written, so that another
   * job can begin. An async job keeps its slot nevertheless while sync jobs arrive. Idempotent.
   */
  releaseSlot(): void;
}

/** How the job is settled after its handler has ended. */
export type Settlement =
  /** The job has ended, with success or failure, and leaves the queue. */
  | { kind: 'done' }
  /** Retries the job after its backoff; uses one attempt. */
  | { kind: 'retry'; error: string }
  /** Returns the job to the queue for a while; uses no attempt. */
  | { kind: 'later'; delayMs: number }
  /** Another worker has taken over the job and settles it. */
  | { kind: 'lost' };

export type DeliveryHandler = (delivery: Delivery) => Promise<Settlement>;

export interface LiveInvocation {
  invocation: Invocation;
  state: 'queued' | 'running' | 'retrying';
  failures: number;
  crashes: number;
}

/** An invocation whose job was removed from the queue with another tool before it had ended. */
export interface RemovedInvocation {
  /** Without input and callback URL if the driver has not kept them. */
  invocation: Invocation;
  inputSize: number;
  hasInput: boolean;
}

/**
 * Resolves with true when the end is durable, so that the queue can delete its record. Otherwise
 * the handler is called again.
 */
export type RemovedHandler = (removed: RemovedInvocation) => Promise<boolean>;

export interface LivePage {
  items: LiveInvocation[];
  /** Opaque cursor; null on the last page. */
  next: string | null;
}

export interface QueueCounts {
  /** Jobs that wait for a worker, including delayed first attempts. */
  waiting: number;
  running: number;
  retrying: number;
  /** Input bytes of all jobs that have not ended. */
  bytes: number;
  /** How long the oldest ready job has waited, in milliseconds; 0 if none waits. */
  oldestMs: number;
}

/** Queue quotas of a namespace: `waiting_jobs`, `waiting_mb` (in bytes) and `delayed_jobs`. */
export interface NamespaceQueueLimits {
  waitingJobs: number;
  waitingBytes: number;
  delayedJobs: number;
}

/** Queue usage of a namespace. */
export interface QueueUse {
  /**
   * Jobs that are ready or waiting for a retry, without running ones and delayed first attempts.
   */
  waiting: number;
  running: number;
  /** Jobs with a delayed first attempt. */
  delayed: number;
  /** Input bytes of all these jobs. */
  bytes: number;
  /** Age of the oldest waiting job in milliseconds, since it was accepted; 0 if none waits. */
  oldestMs: number;
}

export interface ConsumerOptions {
  /** Maximum number of concurrent jobs in this process. */
  concurrency: number;
}

export interface Schedule {
  /** Id of the trigger. */
  id: string;
  cron: string;
  timezone: string;
}

/**
 * Called once per due tick, in one process only. Ticks missed during downtime are delivered as one.
 */
export type TickHandler = (scheduleId: string, scheduledAt: number) => Promise<void>;

/** An add takes effect within this time after it was sent, in milliseconds, or never. */
export const MAX_ADD_MS = 2000;

/**
 * The persistent queue: BullMQ on Redis or on SQLite, one queue for all functions.
 *
 * Delivery is at least once. An invocation is durable when `add` resolves. If a worker dies, its
 * jobs are delivered to other workers within 15 s (lock 8 s, then at most two stalled checks of 3
 * s), with `crashes` incremented and no attempt used. A job that was running in MAX_WORKER_CRASHES
 * - 1 crashes is delivered only when the process has nothing else in its slots, so that another
 * crash can be attributed to it. Sync invocations (`replyTo` is set) take precedence over async
 * ones. Within each kind, a namespace with a long backlog does not delay another namespace.
 *
 * Not part of the port: results and dead letters, which are in the store, and replies, which use
 * the bus.
 */
export interface InvocationQueue extends Closable {
  /**
   * Adds all jobs or none; `overdraft` is that of the first. An id that is already queued or
   * running is ignored. Throws `queue_full`, `quota_exceeded` or `unavailable`; then no job was
   * accepted. Throws `ambiguous_write` if the server became unreachable before it confirmed the
   * jobs; then all of them may run. A server that executes an add more than MAX_ADD_MS after it was
   * sent adds nothing.
   *
   * @param before Throws `unavailable` instead of sending the jobs after this time, by
   *   `performance.now()`.
   */
  add(jobs: readonly QueuedInvocation[], before?: number): Promise<void>;
  get(id: RequestId): Promise<LiveInvocation | null>;
  /**
   * Lists live invocations of a namespace, newest first as far as the queue knows. A page may have
   * fewer than `limit`, in particular when their inputs have 8 MB; `next` is then the cursor.
   */
  list(
    namespace: Namespace,
    options: { limit: number; cursor?: string; function?: FunctionName },
  ): Promise<LivePage>;
  /**
   * Cancels an invocation. `removed`: it had not started and is deleted, and `recordEnd` has
   * resolved; until then `get` of this process has it, and `list` and `findCancelling` of every
   * process have it for half a minute at most. If `recordEnd` rejects, so does this, and the job
   * counts as removed with another tool. `running`: its worker has been told to stop it. `absent`:
   * it is not on the queue.
   */
  cancel(
    id: RequestId,
    recordEnd?: (live: LiveInvocation) => Promise<void>,
  ): Promise<'removed' | 'running' | 'absent'>;
  /**
   * Resolves with the invocation if a process has removed its job to cancel it, and is recording
   * its end. Call it after `get`, when the store has no end.
   */
  findCancelling(id: RequestId): Promise<LiveInvocation | null>;
  /**
   * Resolves with the invocation if its job is missing although no worker has settled it and no end
   * was recorded when it was cancelled. Call it after `get`, so that a result in flight has reached
   * the store.
   */
  findRemoved(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null>;
  /**
   * Like `findRemoved`, for an invocation with a waiting caller, without `get` before. Reads no
   * input.
   */
  findRemovedCall(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null>;
  /**
   * Registers a handler for such invocations. It is called within about a minute, in one process at
   * a time.
   */
  onRemoved(handler: RemovedHandler): void;
  counts(): Promise<QueueCounts>;
  use(namespace: Namespace): Promise<QueueUse>;
  /** Starts taking jobs; one consumer per process. Closing it waits for running jobs. */
  consume(handler: DeliveryHandler, options: ConsumerOptions): Promise<Closable>;
  schedule(schedule: Schedule): Promise<void>;
  unschedule(id: string): Promise<void>;
  /** Resolves with the next tick in Unix milliseconds, or null. */
  nextScheduledRun(id: string): Promise<number | null>;
  /** Registers the tick handler. Each tick is delivered to one of the processes that have one. */
  onTick(handler: TickHandler): Promise<Closable>;
  ping(): Promise<void>;
}
