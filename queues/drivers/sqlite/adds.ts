import type { AppError } from '../../../src/errors.js';
import type { Adds, JobGroup, LimitsByNamespace, QueueLimits } from '../../driver.js';
import { addTooLate, namespaceLimitExceeded, queueFull, queueUnavailable } from '../../errors.js';
import { type NewJob, queueKindOf } from '../../job-data.js';
import { perQueue, QUEUE_KINDS } from '../../queue-names.js';
import { exceededQuota } from '../../queue-quota.js';
import type { SqliteConnection } from './backend/connection.js';
import { toStoredJob } from './stored-job.js';
import { type UsageIndex, usesOf } from './usage-index.js';

/** The other queues of each kind: a job id is unique across all queues. */
const OTHERS = perQueue((kind) => QUEUE_KINDS.filter((other) => other !== kind));
/** The field of `WaitingUse` that each quota limits. */
const MEASURES = { waiting_jobs: 'waiting', waiting_mb: 'bytes', delayed_jobs: 'delayed' } as const;

/** Checks the limits and adds jobs. */
export class SqliteAdds implements Adds {
  readonly #connection: SqliteConnection;
  readonly #usage: UsageIndex;
  readonly #limits: QueueLimits;

  constructor(connection: SqliteConnection, usage: UsageIndex, limits: QueueLimits) {
    this.#connection = connection;
    this.#usage = usage;
    this.#limits = limits;
  }

  /** Jobs that are already in the queue are accepted even when the queue is full. */
  async add(group: JobGroup, namespaceLimits: LimitsByNamespace, before: number): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    if (performance.now() >= before) throw addTooLate();
    const fresh = this.#usage.fresh(group);
    const refusal = this.#refusalOf(fresh, namespaceLimits, first.overdraft);
    if (refusal !== null) throw refusal;
    // Counted before they are stored, in the same turn, so that concurrent adds see the reduced
    // capacity.
    for (const job of fresh) this.#usage.enter(job);
    // All jobs of one group are of the same kind.
    const kind = queueKindOf(first.data);
    const jobs = group.map((job) => toStoredJob(job, this.#usage.times.take(kind, job.data.n)));
    let added: boolean[] = [];
    try {
      added = await this.#connection.call({ command: 'addJobs' }, 'addNewJobs', kind, jobs, OTHERS[kind]);
    } catch (error) {
      throw queueUnavailable(error);
    } finally {
      this.#count(group, fresh, added);
    }
  }

  #refusalOf(
    fresh: readonly NewJob[],
    namespaceLimits: LimitsByNamespace,
    overdraft: number,
  ): AppError | null {
    if (fresh.length === 0) return null;
    if (!this.#usage.hasRoom(fresh, this.#limits, overdraft)) return queueFull(this.#limits);
    for (const [namespace, more] of usesOf(fresh)) {
      const limits = namespaceLimits.get(namespace);
      if (limits === undefined) continue;
      const used = this.#usage.waitingUse(namespace);
      const quota = exceededQuota(used, more, limits, overdraft);
      if (quota !== null) return namespaceLimitExceeded(quota, namespace, used[MEASURES[quota]], limits);
    }
    return null;
  }

  /** Corrects the usage index: only the database knows which jobs were new. */
  #count(group: JobGroup, fresh: readonly NewJob[], added: readonly boolean[]): void {
    group.forEach((job, at) => {
      const isAdded = added[at] === true;
      if (isAdded) this.#usage.enter(job);
      else if (fresh.includes(job)) this.#usage.leave(job.id);
    });
  }
}
