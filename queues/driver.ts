import type { Job, Processor, Queue, WorkerOptions } from 'bullmq';
import type { Namespace } from '../src/contract/ids.js';
import type { Closable } from '../src/ports/closable.js';
import type {
  NamespaceQueueLimits,
  QueueCounts,
  QueueUse,
  RemovedHandler,
  RemovedInvocation,
} from '../src/ports/queue.js';
import type { BatchFetcher } from './batch-fetcher.js';
import type { CrashJournal } from './crash-journal.js';
import type { InvocationJob, JobData, NewJob } from './job-data.js';
import type { JobStore } from './job-store.js';
import type { QueueKind } from './queue-names.js';
import type { QueueTimings } from './timings.js';

/** The part of BullMQ's `Queue` through which jobs are decoded. */
type JobQueue = Parameters<typeof Job.fromJSON>[0];
/**
 * A BullMQ queue. Only what does not depend on the type of its backend, which differs between
 * stores.
 */
export type BullQueue<D> = JobQueue &
  Pick<
    Queue<D, void>,
    | 'name'
    | 'add'
    | 'close'
    | 'getJob'
    | 'getJobState'
    | 'getJobScheduler'
    | 'getJobSchedulers'
    | 'upsertJobScheduler'
    | 'removeJobScheduler'
  >;
/** A BullMQ worker, likewise. */
export interface BullWorker<D> extends Closable {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'closed', listener: () => void): unknown;
  on(event: 'failed', listener: (job: Job<D, void> | undefined, error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
}
export type BullWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'>;

/** The jobs of one call of `add`: accepted or refused as a whole. */
export type JobGroup = readonly NewJob[];

export interface Adds {
  /**
   * Resolves when the jobs of the group are durable. Rejects when none was accepted: with
   * `namespaceLimitExceeded` if they would take a namespace beyond its limits. A namespace without
   * limits is not limited. The adds of one turn of the event loop are made durable together.
   *
   * @param before Refuses the group instead of sending it after this time, by `performance.now()`.
   */
  add(group: JobGroup, namespaceLimits: LimitsByNamespace, before: number): Promise<void>;
}

/**
 * What a driver must be told to count jobs. The counts limit adds, and `ended` also advances the
 * virtual time of fairness. No job is lost or run twice when a process dies before a call.
 */
export interface JobCounts {
  /**
   * This process has begun to handle the job, which may still wait for a slot, until `stopped`.
   * Absent where the store itself knows the running jobs, which do not count as waiting.
   */
  began?(job: InvocationJob): void;
  stopped?(job: InvocationJob): void;
  /**
   * A job of this process has left the queue. Until this call, or the next sweep, it counts for its
   * namespace.
   */
  ended(job: InvocationJob): void;
  /** The end of a job that `remove` has removed is recorded. Called earlier, it could be lost. */
  removed(job: InvocationJob): void;
  /**
   * A job that has not failed waits until `until` (Unix milliseconds). Only statistics depend on
   * this: it would be counted as retrying.
   */
  postponed(id: string, until: number): void;
}

/**
 * The operations in which the stores that BullMQ runs on differ. The rest of the queue (attempts,
 * settlements, cancellation, schedules) is shared code on BullMQ's own classes.
 */
export interface QueueDriver extends Closable {
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly adds: Adds;
  readonly tasks: BullQueue<string>;
  /** Creates a BullMQ `Worker`, for the small queues beside those of invocations. */
  createWorker<D>(
    queue: string,
    processor: Processor<D, void>,
    options: BullWorkerOptions,
  ): Promise<BullWorker<D>>;
  /**
   * Opens the store of one of the queues for a run loop. Its operations wait while the server is
   * unreachable.
   */
  openStore(kind: QueueKind, timings: QueueTimings): Promise<JobStore>;
  /** How long a run loop waits for a marker before it looks for jobs itself, in seconds. */
  readonly waitSeconds: number;
  /**
   * Allows the driver to fetch jobs of this kind in the command that adds them.
   * Returns a function that ends this.
   */
  fetchOnAdd(kind: QueueKind, fetcher: BatchFetcher): () => void;
  readonly jobCounts: JobCounts;
  /**
   * Removes a job atomically. Resolves with false when a worker has the job or it does not exist.
   * Until `jobCounts.removed`, the job is counted. Until `endCancelling`, other processes find it
   * by `findCancelling`; then `findRemoved` finds it.
   */
  remove(job: InvocationJob): Promise<boolean>;
  /**
   * Resolves with a job that another process has removed and whose end that process is recording.
   */
  findCancelling(id: string): Promise<InvocationJob | null>;
  /** The end of a removed job is recorded, or could not be recorded. */
  endCancelling(id: string): void;
  /** See `InvocationQueue`. */
  findRemoved(namespace: Namespace, id: string): Promise<RemovedInvocation | null>;
  onRemoved(handler: RemovedHandler): void;
  /**
   * Notifies the worker that has the job, in any process, that it is cancelled. The request is kept
   * for as long as the job may run.
   */
  requestCancel(id: string): Promise<void>;
  isCancelRequested(id: string): Promise<boolean>;
  /**
   * Calls the handler with the id of each cancelled job; null means that requests may have been
   * missed.
   */
  onCancelRequest(handler: (id: string | null) => void): Promise<Closable>;
  /**
   * Lists the ids of a namespace's jobs, newest first. Pass `next` as `cursor` to get the next
   * page.
   */
  list(
    namespace: Namespace,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ ids: string[]; next: string | null }>;
  counts(): Promise<QueueCounts>;
  use(namespace: Namespace): Promise<QueueUse>;
  /**
   * Resolves with whether another namespace than those seen has a ready job of a kind; also with
   * true if that is not known within a bounded number of jobs.
   */
  hasUnseen(kind: QueueKind, seen: ReadonlySet<string>): Promise<boolean>;
  /**
   * Opens the journal for a process that consumes jobs, which closes it. See `CrashJournal` for the
   * contract.
   */
  openCrashJournal(): Promise<CrashJournal>;
  ping(): Promise<void>;
}

/** The limits of namespaces, by name. */
export type LimitsByNamespace = ReadonlyMap<string, NamespaceQueueLimits>;

export interface QueueLimits {
  /** QUEUE_MAX_WAITING */
  maxWaiting: number;
  /** QUEUE_MAX_MB, in bytes. */
  maxBytes: number;
}

/**
 * How many of the next jobs are read to find the oldest of all namespaces. Jobs of a namespace run
 * in the order of their arrival, so it is almost always among them.
 */
export const OLDEST_JOB_SAMPLE = 64;
