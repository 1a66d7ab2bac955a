import type { IQueueBackend, Job, Processor, Queue, Worker, WorkerOptions } from 'bullmq';
import type { Namespace } from '../src/contract/ids.js';
import type { AppError } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type {
  QueueCounts,
  QueueShare,
  QueueUse,
  RemovedHandler,
  RemovedInvocation,
} from '../src/ports/queue.js';
import type { CrashJournal } from './crash-journal.js';
import type { JobStore } from './job-store.js';
import type { JobData, NewJob, QueueKind } from './jobs.js';
import type { JobTaker } from './run-loop.js';

export type BullQueue<D> = Queue<D, void, string, D, void, string, IQueueBackend>;
export type BullWorker<D> = Pick<Worker<D, void, string, IQueueBackend>, 'on' | 'close' | 'waitUntilReady'>;
export type BullWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'>;
export type InvocationJob = Job<JobData, void>;

/**
 * What one caller of `add` asked for: accepted whole or not at all, whatever becomes of its
 * neighbours.
 */
export type JobGroup = readonly NewJob[];

/**
 * What differs between the stores that BullMQ runs on. Everything else of the queue (attempts,
 * settlements, cancellation, schedules) is written once, on BullMQ's own classes.
 */
export interface QueueDriver extends Closable {
  readonly name: 'redis' | 'sqlite';
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  /** A further queue beside these; closed with the driver. */
  openQueue<D>(name: string): Promise<BullQueue<D>>;
  /** BullMQ's own worker, for the small queues beside those of invocations. */
  createWorker<D>(
    queue: string,
    processor: Processor<D, void>,
    options: BullWorkerOptions,
  ): Promise<BullWorker<D>>;
  /** The store of one of the queues, as a run loop uses it: it waits for a server that is away. */
  openStore(kind: QueueKind, timings: QueueTimings): Promise<JobStore>;
  /** How long a run loop waits for the store's sign until it looks by itself, seconds. */
  readonly waitSeconds: number;
  /**
   * From now on jobs of the kind may be taken for this loop as they are added by this process,
   * until what is returned is called.
   */
  takeOnAdd(kind: QueueKind, loop: JobTaker): () => void;
  /** Told of every job that this process has, and when it no longer has it. */
  begun(job: InvocationJob): void;
  over(job: InvocationJob): void;
  /**
   * One round trip for all groups; each is durable, or refused with the error at its place. Rejects
   * when none was accepted. A group that would take a namespace beyond its share is refused as
   * `shareRefusal` says; one without a share has no bound.
   */
  add(groups: readonly JobGroup[], shares: Shares): Promise<(AppError | null)[]>;
  /** Told of every job that has left the queue, so that it no longer counts. */
  ended(job: InvocationJob): void;
  /** Told of every job that is put back for a while without having failed. */
  postponed(id: string, until: number): void;
  /**
   * Removes a job that no worker has, atomically; false when a worker has it or it is not there.
   */
  remove(job: InvocationJob): Promise<boolean>;
  /** See the port. */
  removed(namespace: Namespace, id: string): Promise<RemovedInvocation | null>;
  onRemoved(handler: RemovedHandler): void;
  /**
   * Tells the worker that has the job, in whichever process, that it is cancelled. Remembered for
   * as long as it may run.
   */
  requestCancel(id: string): Promise<void>;
  isCancelRequested(id: string): Promise<boolean>;
  /** The handler gets the id; null means that requests may have been missed. */
  onCancelRequest(handler: (id: string | null) => void): Promise<Closable>;
  /** Ids of a namespace's jobs, newest first. `next` feeds the next `cursor`. */
  list(
    namespace: Namespace,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ ids: string[]; next: string | null }>;
  counts(): Promise<QueueCounts>;
  use(namespace: Namespace): Promise<QueueUse>;
  /** How many namespaces have jobs on the queue. */
  namespaces(): Promise<number>;
  /** For a process that consumes, which closes it. See `CrashJournal` for what it must keep. */
  openCrashJournal(): Promise<CrashJournal>;
  ping(): Promise<void>;
}

/** What namespaces may have on the queue, by name. */
export type Shares = ReadonlyMap<string, QueueShare>;

/** Asked for at every add, so it must be at hand. */
export type ShareOf = (namespace: Namespace) => QueueShare | Promise<QueueShare>;

export interface QueueLimits {
  /** QUEUE_MAX_WAITING */
  maxWaiting: number;
  /** QUEUE_MAX_MB, in bytes. */
  maxBytes: number;
}

export interface QueueTimings {
  /** How long a worker may be silent before its jobs are given to another. */
  lockMs: number;
  /**
   * How often such jobs are looked for. Two rounds after the lock's end at most, so 8 s and 3 s
   * make 14 s.
   */
  stalledCheckMs: number;
}

export const DEFAULT_TIMINGS: QueueTimings = { lockMs: 8000, stalledCheckMs: 3000 };

/**
 * Checks in step with the lock, so that a shorter one gives a quicker takeover and a longer one no
 * later checks.
 */
export function timingsFor(lockMs: number): QueueTimings {
  const { lockMs: usual, stalledCheckMs } = DEFAULT_TIMINGS;
  return { lockMs, stalledCheckMs: Math.min(stalledCheckMs, Math.round((lockMs * stalledCheckMs) / usual)) };
}

/**
 * Results, logs and dead letters live in the store: of a job that is over, nothing may pile up
 * here.
 */
export const KEEP_NOTHING = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } };

/** Something went wrong behind the caller's back, and was dealt with. */
export type Warn = (message: string, error: unknown) => void;
