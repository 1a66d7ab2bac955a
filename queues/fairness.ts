import { perQueue, type QueueKind } from './queue-names.js';

/**
 * The order of jobs in a queue. BullMQ serves jobs by priority, lowest first. A job's priority is
 * its virtual time, assigned by start-time fair queueing when the job is added:
 *
 *     time = max(clock, last time of the namespace)
 *     last time of the namespace = time + 1 / JOBS_PER_UNIT
 *
 * The clock is the highest virtual time of a finished job. A namespace with 10,000 waiting jobs has
 * spread them over 2,500 units of virtual time ahead of the clock; the first job of another
 * namespace gets the clock's own time and goes before all but JOBS_PER_UNIT of them. No namespace
 * starves, because the clock advances with every finished job and reaches each assigned time. The
 * state consists of one number per queue, and one per namespace that is ahead of the clock.
 */
export const JOBS_PER_UNIT = 4;
/** The virtual time that one job costs its namespace. */
export const JOB_COST = 1 / JOBS_PER_UNIT;

/** BullMQ's highest priority on Redis. */
export const MAX_PRIORITY = 2 ** 21;
/**
 * Virtual times on Redis are rebased when the clock has reached this, long before priorities run
 * out.
 */
export const REBASE_AT = 2 ** 20;

/**
 * Converts a virtual time to a priority. Never returns 0, which BullMQ treats as "no priority" and
 * serves first.
 */
export function priorityOf(time: number): number {
  return Math.floor(time) + 1;
}

/** Converts a priority to a virtual time. */
export function virtualTimeOf(priority: number): number {
  return priority - 1;
}

/** A job that an earlier process added. */
export interface RestoredJob {
  namespace: string;
  priority: number;
  /**
   * Whether it has waited for a worker since it was added: a retried or delayed job has an old
   * time.
   */
  waits: boolean;
}

/**
 * The virtual times of a queue that only one process uses. On Redis, which several processes share,
 * lua/addJobs-2.lua implements the same on state in Redis.
 */
export class VirtualTime {
  readonly #clock = perQueue(() => 0);
  readonly #last = perQueue(() => new Map<string, number>());

  /** Assigns the next virtual time of the namespace. Returns it as a priority. */
  take(kind: QueueKind, namespace: string): number {
    const time = Math.max(this.#clock[kind], this.#last[kind].get(namespace) ?? 0);
    this.#last[kind].set(namespace, time + JOB_COST);
    return priorityOf(time);
  }

  /**
   * Counts the jobs that an earlier process added, and continues its clock, which was about at the
   * first waiting job of each namespace. A clock that begins again would let all new jobs of other
   * namespaces go before these.
   */
  restore(kind: QueueKind, jobs: readonly RestoredJob[]): void {
    const firsts = new Map<string, number>();
    for (const { namespace, priority, waits } of jobs) {
      const time = virtualTimeOf(priority);
      this.#last[kind].set(namespace, Math.max(time + 1, this.#last[kind].get(namespace) ?? 0));
      if (waits) firsts.set(namespace, Math.min(time, firsts.get(namespace) ?? time));
    }
    let clock = 0;
    if (firsts.size > 0) for (const time of firsts.values()) clock = Math.max(clock, time);
    else for (const { priority } of jobs) clock = Math.max(clock, virtualTimeOf(priority));
    this.#clock[kind] = clock;
  }

  /** Advances the clock to the virtual time of a finished job. */
  finished(kind: QueueKind, priority: number): void {
    const time = virtualTimeOf(priority);
    if (time <= this.#clock[kind]) return;
    this.#clock[kind] = time;
    for (const [namespace, last] of this.#last[kind]) {
      if (last <= time) this.#last[kind].delete(namespace);
    }
  }
}
