import type { FunctionName, Namespace, RequestId } from '../src/contract/ids.js';
import { isAppError } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type {
  ConsumerOptions,
  DeliveryHandler,
  InvocationQueue,
  LiveInvocation,
  LivePage,
  NamespaceQueueLimits,
  QueueCounts,
  QueuedInvocation,
  QueueUse,
  RemovedHandler,
  RemovedInvocation,
  Schedule,
  TickHandler,
} from '../src/ports/queue.js';
import { AddCapacity } from './add-capacity.js';
import { Consumer } from './consumer.js';
import type { LimitsByNamespace, QueueDriver } from './driver.js';
import { queueUnavailable } from './errors.js';
import { toJob } from './job-codec.js';
import { LiveJobs, liveOf } from './live-jobs.js';
import { BullSchedules } from './schedules.js';
import type { QueueTimings } from './timings.js';
import { confirmAdd, UnconfirmedAdd } from './unconfirmed-add.js';
import type { Warn } from './warn.js';

/** Returns the limits of a namespace. Called on every add, so it should answer from memory. */
export type LimitsOf = (namespace: Namespace) => NamespaceQueueLimits | Promise<NamespaceQueueLimits>;

/** Resolves with whether the end of an invocation is recorded outside the queue. */
export type HasEnded = (id: RequestId) => Promise<boolean>;

export interface InvocationQueueOptions {
  timings: QueueTimings;
  /**
   * Resolves with the limits of a namespace in the queue; without it, only the limits of the whole
   * queue apply.
   */
  limitsOf?: LimitsOf | undefined;
  /**
   * Finds an accepted invocation that has already left the queue when the response to its add was
   * lost; without it, only the queue is asked.
   */
  hasEnded?: HasEnded | undefined;
  /**
   * Called for errors that were handled internally: lost connections, lost locks, handlers that
   * threw.
   */
  warn: Warn;
}

/** The port `InvocationQueue` on BullMQ, for all stores. */
export class BullInvocationQueue implements InvocationQueue {
  readonly #driver: QueueDriver;
  readonly #timings: QueueTimings;
  readonly #warn: Warn;
  readonly #limitsOf: LimitsOf | undefined;
  readonly #hasEnded: HasEnded | undefined;
  readonly #jobs: LiveJobs;
  readonly #capacity = new AddCapacity();
  readonly #schedules: BullSchedules;
  readonly #opened = new Set<Closable>();
  #closing: Promise<void> | undefined;

  constructor(driver: QueueDriver, { timings, warn, limitsOf, hasEnded }: InvocationQueueOptions) {
    this.#driver = driver;
    this.#timings = timings;
    this.#warn = warn;
    this.#limitsOf = limitsOf;
    this.#hasEnded = hasEnded;
    this.#jobs = new LiveJobs(driver);
    this.#schedules = new BullSchedules(driver, timings, warn);
  }

  async add(jobs: readonly QueuedInvocation[], before = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#closing !== undefined) throw queueUnavailable();
    const [first] = jobs;
    if (first === undefined) return;
    const namespaceLimits = await this.#limitsByNamespace(jobs);
    const bytes = bytesOf(jobs);
    const waiting = this.#capacity.acquire(first.invocation.namespace, bytes);
    if (waiting !== null) await waiting;
    try {
      await this.#reach(() => this.#driver.adds.add(jobs.map(toJob), namespaceLimits, before));
    } catch (error) {
      if (!(error instanceof UnconfirmedAdd)) throw error;
      const { id } = first.invocation;
      await confirmAdd(id, error, () => this.#isAccepted(id));
    } finally {
      this.#capacity.release(bytes);
    }
  }

  async get(id: RequestId): Promise<LiveInvocation | null> {
    return this.#reach(() => this.#jobs.get(id));
  }

  async list(
    namespace: Namespace,
    options: { limit: number; cursor?: string; function?: FunctionName },
  ): Promise<LivePage> {
    return this.#reach(() => this.#jobs.list(namespace, options));
  }

  async cancel(
    id: RequestId,
    recordEnd: (live: LiveInvocation) => Promise<void> = async () => {},
  ): Promise<'removed' | 'running' | 'absent'> {
    const job = await this.#reach(() => this.#jobs.find(id));
    if (job === null) return 'absent';
    const { beingCancelled } = this.#jobs;
    const live = liveOf(job, false);
    // Before the job is removed, so that it is never in neither.
    beingCancelled.set(id, live);
    // Also if the reply is lost.
    let mayBeRemoved = true;
    try {
      mayBeRemoved = await this.#reach(() => this.#driver.remove(job));
      if (mayBeRemoved) {
        await recordEnd(live);
        this.#driver.jobCounts.removed(job);
        return 'removed';
      }
    } finally {
      if (beingCancelled.get(id) === live) beingCancelled.delete(id);
      if (mayBeRemoved) this.#driver.endCancelling(id);
    }
    // In the meantime the job may have ended, or may be waiting for a retry.
    const state = await this.#reach(() => this.#jobs.stateOf(job));
    if (state === 'active') {
      await this.#reach(() => this.#driver.requestCancel(id));
      return 'running';
    }
    return state === 'unknown' ? 'absent' : this.cancel(id, recordEnd);
  }

  findCancelling(id: RequestId): Promise<LiveInvocation | null> {
    return this.#reach(() => this.#jobs.findCancelling(id));
  }

  async findRemoved(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null> {
    if (this.#jobs.beingCancelled.has(id)) return null;
    return this.#reach(() => this.#driver.findRemoved(namespace, id));
  }

  async findRemovedCall(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null> {
    return this.#reach(async () => {
      if ((await this.#driver.queues.sync.getJobState(id)) !== 'unknown') return null;
      return this.findRemoved(namespace, id);
    });
  }

  onRemoved(handler: RemovedHandler): void {
    this.#driver.onRemoved(async (removed) =>
      this.#jobs.beingCancelled.has(removed.invocation.id) ? false : handler(removed),
    );
  }

  counts(): Promise<QueueCounts> {
    return this.#reach(() => this.#driver.counts());
  }

  use(namespace: Namespace): Promise<QueueUse> {
    return this.#reach(() => this.#driver.use(namespace));
  }

  async consume(handler: DeliveryHandler, options: ConsumerOptions): Promise<Closable> {
    const consumer = await Consumer.start(this.#driver, handler, {
      concurrency: options.concurrency,
      timings: this.#timings,
      warn: this.#warn,
    });
    return this.#keep(consumer);
  }

  schedule(schedule: Schedule): Promise<void> {
    return this.#reach(() => this.#schedules.put(schedule));
  }

  unschedule(id: string): Promise<void> {
    return this.#reach(() => this.#schedules.remove(id));
  }

  nextScheduledRun(id: string): Promise<number | null> {
    return this.#reach(() => this.#schedules.next(id));
  }

  async onTick(handler: TickHandler): Promise<Closable> {
    return this.#keep(await this.#schedules.consume(handler));
  }

  ping(): Promise<void> {
    return this.#reach(() => this.#driver.ping());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#opened].map((opened) => opened.close()));
    await this.#driver.close();
  }

  #keep(opened: Closable): Closable {
    this.#opened.add(opened);
    return {
      close: async () => {
        await opened.close();
        this.#opened.delete(opened);
      },
    };
  }

  async #limitsByNamespace(jobs: readonly QueuedInvocation[]): Promise<LimitsByNamespace> {
    const namespaceLimits = new Map<string, NamespaceQueueLimits>();
    const limitsOf = this.#limitsOf;
    if (limitsOf === undefined) return namespaceLimits;
    for (const { invocation } of jobs) {
      const { namespace } = invocation;
      // All jobs nearly always have the same namespace.
      if (namespaceLimits.has(namespace)) continue;
      const limits = limitsOf(namespace);
      namespaceLimits.set(namespace, limits instanceof Promise ? await limits : limits);
    }
    return namespaceLimits;
  }

  /** Asks the queue first: a job leaves it only after its end is recorded. */
  async #isAccepted(id: RequestId): Promise<boolean> {
    return (await this.#jobs.find(id)) !== null || ((await this.#hasEnded?.(id)) ?? false);
  }

  /** Converts other errors of drivers to `unavailable`, because callers cannot act on them. */
  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw isAppError(error) || error instanceof UnconfirmedAdd ? error : queueUnavailable(error);
    }
  }
}

function bytesOf(jobs: readonly QueuedInvocation[]): number {
  let bytes = 0;
  for (const { invocation } of jobs) bytes += invocation.input.byteLength;
  return bytes;
}
