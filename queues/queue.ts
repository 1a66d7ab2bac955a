import type { FunctionName, Namespace, RequestId } from '../src/contract/ids.js';
import { MAX_PAGE_BYTES } from '../src/contract/limits.js';
import { isAppError } from '../src/errors.js';
import type { Closable } from '../src/ports/closable.js';
import type {
  ConsumerOptions,
  DeliveryHandler,
  InvocationQueue,
  LiveInvocation,
  LivePage,
  QueueCounts,
  QueuedInvocation,
  QueueUse,
  RemovedHandler,
  RemovedInvocation,
  Schedule,
  TickHandler,
} from '../src/ports/queue.js';
import { type Add, batchAdds, type NamespaceShare } from './add-batches.js';
import { AddCapacity } from './add-capacity.js';
import type { Batcher } from './batcher.js';
import { withBeingCancelled } from './being-cancelled.js';
import { Consumer } from './consumer.js';
import type { HasEnded, InvocationJob, QueueDriver, QueueTimings, ShareOf, Warn } from './driver.js';
import { queueUnavailable } from './errors.js';
import { decodeInvocation, QUEUE_KINDS, queueKindOf, toJob } from './jobs.js';
import { BullSchedules } from './schedules.js';
import { confirmAdd, UnconfirmedAdd } from './unconfirmed-add.js';

/** The largest number of jobs that one call of `list` examines when it filters by function. */
const LIST_SCAN = 1000;
/** The number of jobs that `list` reads at once, each with an input of up to 1 MB. */
const LIST_STEP = 16;

export interface InvocationQueueOptions {
  timings: QueueTimings;
  warn: Warn;
  shareOf?: ShareOf | undefined;
  hasEnded?: HasEnded | undefined;
}

/** The port `InvocationQueue` on BullMQ, for all stores. */
export class BullInvocationQueue implements InvocationQueue {
  readonly driver: string;
  readonly #driver: QueueDriver;
  readonly #timings: QueueTimings;
  readonly #warn: Warn;
  readonly #shareOf: ShareOf | undefined;
  readonly #hasEnded: HasEnded | undefined;
  readonly #adds: Batcher<Add, null>;
  readonly #capacity = new AddCapacity();
  readonly #schedules: BullSchedules;
  readonly #opened = new Set<Closable>();
  /** The jobs that this process is cancelling: removed, without a recorded end. */
  readonly #cancelling = new Map<string, LiveInvocation>();
  #closing: Promise<void> | undefined;

  constructor(driver: QueueDriver, { timings, warn, shareOf, hasEnded }: InvocationQueueOptions) {
    this.driver = driver.name;
    this.#driver = driver;
    this.#timings = timings;
    this.#warn = warn;
    this.#shareOf = shareOf;
    this.#hasEnded = hasEnded;
    this.#adds = batchAdds((groups, shares) => this.#reach(() => driver.add(groups, shares)));
    this.#schedules = new BullSchedules(driver, timings, warn);
  }

  async add(jobs: readonly QueuedInvocation[]): Promise<void> {
    if (this.#closing !== undefined) throw queueUnavailable();
    const [first] = jobs;
    if (first === undefined) return;
    const shares = await this.#sharesOf(jobs);
    const bytes = bytesOf(jobs);
    const waiting = this.#capacity.acquire(first.invocation.namespace, bytes);
    if (waiting !== null) await waiting;
    try {
      await this.#adds.add({ group: jobs.map(toJob), bytes, shares });
    } catch (error) {
      if (!(error instanceof UnconfirmedAdd)) throw error;
      const { id } = first.invocation;
      await confirmAdd(id, error, () => this.#isAccepted(id));
    } finally {
      this.#capacity.release(bytes);
    }
  }

  async get(id: RequestId): Promise<LiveInvocation | null> {
    return this.#reach(async () => {
      const job = await this.#find(id);
      const live = job === null ? null : await this.#live(job);
      return live ?? this.#cancelling.get(id) ?? null;
    });
  }

  async list(
    namespace: Namespace,
    options: { limit: number; cursor?: string; function?: FunctionName },
  ): Promise<LivePage> {
    return this.#reach(async () => {
      const items: LiveInvocation[] = [];
      let next: string | null = options.cursor ?? null;
      let scanned = 0;
      let bytes = 0;
      do {
        const wanted = Math.min(LIST_STEP, options.limit - items.length);
        const listed = await this.#driver.list(namespace, wanted, next ?? undefined);
        const page = withBeingCancelled(listed, this.#cancelling, { namespace, limit: wanted, cursor: next });
        next = page.next;
        scanned += page.ids.length;
        const found = await Promise.all(page.ids.map((id) => this.get(id as RequestId)));
        for (const item of found) {
          if (item === null) continue;
          if (options.function !== undefined && item.invocation.function !== options.function) continue;
          items.push(item);
          bytes += item.invocation.input.byteLength;
        }
      } while (
        next !== null &&
        items.length < options.limit &&
        scanned < LIST_SCAN &&
        bytes < MAX_PAGE_BYTES
      );
      return { items, next };
    });
  }

  async cancel(
    id: RequestId,
    recordEnd: (live: LiveInvocation) => Promise<void> = async () => {},
  ): Promise<'removed' | 'running' | 'absent'> {
    const job = await this.#reach(() => this.#find(id));
    if (job === null) return 'absent';
    const live = liveOf(job, false);
    // Before the job is removed, so that it is never in neither.
    this.#cancelling.set(id, live);
    try {
      if (await this.#reach(() => this.#driver.remove(job))) {
        await recordEnd(live);
        this.#driver.left(job);
        return 'removed';
      }
    } finally {
      if (this.#cancelling.get(id) === live) this.#cancelling.delete(id);
    }
    // In the meantime the job may have ended, or may be waiting for a retry.
    const state = await this.#reach(() => this.#stateOf(job));
    if (state === 'active') {
      await this.#reach(() => this.#driver.requestCancel(id));
      return 'running';
    }
    return state === 'unknown' ? 'absent' : this.cancel(id, recordEnd);
  }

  async removed(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null> {
    if (this.#cancelling.has(id)) return null;
    return this.#reach(() => this.#driver.removed(namespace, id));
  }

  async removedCall(namespace: Namespace, id: RequestId): Promise<RemovedInvocation | null> {
    return this.#reach(async () => {
      if ((await this.#driver.queues.sync.getJobState(id)) !== 'unknown') return null;
      return this.removed(namespace, id);
    });
  }

  onRemoved(handler: RemovedHandler): void {
    this.#driver.onRemoved(async (removed) =>
      this.#cancelling.has(removed.invocation.id) ? false : handler(removed),
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

  nextTick(id: string): Promise<number | null> {
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
    await this.#adds.idle();
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

  async #sharesOf(jobs: readonly QueuedInvocation[]): Promise<readonly NamespaceShare[]> {
    const shares: NamespaceShare[] = [];
    const shareOf = this.#shareOf;
    if (shareOf === undefined) return shares;
    for (const { invocation } of jobs) {
      const { namespace } = invocation;
      // All jobs nearly always have the same namespace.
      if (shares.some(([known]) => known === namespace)) continue;
      const share = shareOf(namespace);
      shares.push([namespace, share instanceof Promise ? await share : share]);
    }
    return shares;
  }

  /** Asks the queue first: a job leaves it only after its end is recorded. */
  async #isAccepted(id: RequestId): Promise<boolean> {
    return (await this.#find(id)) !== null || ((await this.#hasEnded?.(id)) ?? false);
  }

  async #find(id: RequestId): Promise<InvocationJob | null> {
    const found = await Promise.all(QUEUE_KINDS.map((kind) => this.#driver.queues[kind].getJob(id)));
    return found.find((job) => job !== undefined) ?? null;
  }

  #stateOf(job: InvocationJob) {
    return this.#driver.queues[queueKindOf(job.data)].getJobState(job.id ?? '');
  }

  async #live(job: InvocationJob): Promise<LiveInvocation | null> {
    const state = await this.#stateOf(job);
    if (state === 'unknown' || state === 'completed' || state === 'failed') return null;
    return liveOf(job, state === 'active');
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

function liveOf(job: InvocationJob, isActive: boolean): LiveInvocation {
  const hasRun = job.attemptsMade > 0 || job.stalledCounter > 0;
  return {
    invocation: decodeInvocation(job.id ?? '', job.name, job.data),
    state: isActive ? 'running' : hasRun ? 'retrying' : 'queued',
    failures: job.attemptsMade,
    crashes: job.stalledCounter,
  };
}

function bytesOf(jobs: readonly QueuedInvocation[]): number {
  let bytes = 0;
  for (const { invocation } of jobs) bytes += invocation.input.byteLength;
  return bytes;
}
