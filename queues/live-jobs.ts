import type { FunctionName, Namespace, RequestId } from '../src/contract/ids.js';
import { MAX_PAGE_BYTES } from '../src/contract/limits.js';
import type { LiveInvocation, LivePage } from '../src/ports/queue.js';
import { withBeingCancelled } from './being-cancelled.js';
import type { QueueDriver } from './driver.js';
import { decodeInvocation, isJobData } from './job-codec.js';
import { type InvocationJob, queueKindOf } from './job-data.js';
import { QUEUE_KINDS } from './queue-names.js';

/** The largest number of jobs that one call of `list` examines when it filters by function. */
const LIST_SCAN = 1000;
/** The number of jobs that `list` reads at once, each with an input of up to 1 MB. */
const LIST_STEP = 16;

/** Reads the jobs of invocations that have not ended. */
export class LiveJobs {
  /** The jobs that this process is cancelling: removed, without a recorded end. */
  readonly beingCancelled = new Map<string, LiveInvocation>();
  readonly #driver: QueueDriver;

  constructor(driver: QueueDriver) {
    this.#driver = driver;
  }

  async get(id: RequestId): Promise<LiveInvocation | null> {
    const job = await this.find(id);
    const live = job === null ? null : await this.#live(job);
    return live ?? this.beingCancelled.get(id) ?? null;
  }

  /** See `InvocationQueue`. */
  async findCancelling(id: RequestId): Promise<LiveInvocation | null> {
    const local = this.beingCancelled.get(id);
    if (local !== undefined) return local;
    const job = await this.#driver.findCancelling(id);
    return job !== null && isJobData(job.data) ? liveOf(job, false) : null;
  }

  /** See `InvocationQueue`. */
  async list(
    namespace: Namespace,
    options: { limit: number; cursor?: string; function?: FunctionName },
  ): Promise<LivePage> {
    const items: LiveInvocation[] = [];
    let next: string | null = options.cursor ?? null;
    let scanned = 0;
    let bytes = 0;
    do {
      const wanted = Math.min(LIST_STEP, options.limit - items.length);
      const listed = await this.#driver.list(namespace, wanted, next ?? undefined);
      const page = withBeingCancelled(listed, this.beingCancelled, {
        namespace,
        limit: wanted,
        cursor: next,
      });
      next = page.next;
      scanned += page.ids.length;
      const found = await Promise.all(page.ids.map((id) => this.#getListed(id as RequestId)));
      for (const item of found) {
        if (item === null) continue;
        if (options.function !== undefined && item.invocation.function !== options.function) continue;
        items.push(item);
        bytes += item.invocation.input.byteLength;
      }
    } while (next !== null && items.length < options.limit && scanned < LIST_SCAN && bytes < MAX_PAGE_BYTES);
    return { items, next };
  }

  async #getListed(id: RequestId): Promise<LiveInvocation | null> {
    return (await this.get(id)) ?? this.findCancelling(id);
  }

  /** Resolves with null also if another program has replaced the job's data. */
  async find(id: RequestId): Promise<InvocationJob | null> {
    const found = await Promise.all(QUEUE_KINDS.map((kind) => this.#driver.queues[kind].getJob(id)));
    return found.find((job) => isJobData(job?.data)) ?? null;
  }

  stateOf(job: InvocationJob) {
    return this.#driver.queues[queueKindOf(job.data)].getJobState(job.id ?? '');
  }

  async #live(job: InvocationJob): Promise<LiveInvocation | null> {
    const state = await this.stateOf(job);
    if (state === 'unknown' || state === 'completed' || state === 'failed') return null;
    return liveOf(job, state === 'active');
  }
}

/** Decodes the invocation of a job that has not ended. */
export function liveOf(job: InvocationJob, isActive: boolean): LiveInvocation {
  const hasRun = job.attemptsMade > 0 || job.stalledCounter > 0;
  return {
    invocation: decodeInvocation(job.id ?? '', job.name, job.data),
    state: isActive ? 'running' : hasRun ? 'retrying' : 'queued',
    failures: job.attemptsMade,
    crashes: job.stalledCounter,
  };
}
