import { QUEUE_KINDS, type QueueKind } from './jobs.js';

/**
 * Who is next in a kind. BullMQ serves jobs by priority, lowest first; a job's priority is its
 * time, given when it is added, by start-time fair queueing:
 *
 * time = max(clock, last time of the namespace) ; last time of the namespace = time + 1 /
 * JOBS_PER_TURN
 *
 * where the clock is the highest time that a worker has been seen to finish. A namespace with
 * 10,000 waiting jobs has spread them over 2,500 times ahead of the clock; another's first job gets
 * the clock's own time and goes before all but JOBS_PER_TURN of them. Nobody starves, because the
 * clock moves on with every job done, and a time once given is reached. What is kept is one number
 * per kind and one per namespace that is ahead of the clock.
 */
export const JOBS_PER_UNIT = 4;
export const JOB_COST = 1 / JOBS_PER_UNIT;

/** BullMQ's priorities end here on Redis. */
export const MAX_PRIORITY = 2 ** 21;
/**
 * There, times are counted from the clock anew when it has come this far, long before priorities
 * run out.
 */
export const REBASE_AT = 2 ** 20;

/** Never 0: for BullMQ that is "no priority" and would go before everything. */
export function priorityOf(time: number): number {
  return Math.floor(time) + 1;
}

export function virtualTimeOf(priority: number): number {
  return priority - 1;
}

/** A value for each kind. */
export function perQueue<T>(make: (kind: QueueKind) => T): Record<QueueKind, T> {
  return Object.fromEntries(QUEUE_KINDS.map((kind) => [kind, make(kind)])) as Record<QueueKind, T>;
}

/**
 * The times of a queue that one process has to itself. On Redis, where several add, the script that
 * adds does the same with what Redis keeps.
 */
export class VirtualTime {
  readonly #clock = perQueue(() => 0);
  readonly #last = perQueue(() => new Map<string, number>());

  /** Takes the namespace's next time; returns the priority that stands for it. */
  take(kind: QueueKind, namespace: string): number {
    const time = Math.max(this.#clock[kind], this.#last[kind].get(namespace) ?? 0);
    this.#last[kind].set(namespace, time + JOB_COST);
    return priorityOf(time);
  }

  /** Counts a job that was added in an earlier life. */
  restore(kind: QueueKind, namespace: string, priority: number): void {
    const time = virtualTimeOf(priority);
    this.#last[kind].set(namespace, Math.max(time + 1, this.#last[kind].get(namespace) ?? 0));
  }

  /** Moves the clock on to the time of a job that is done. */
  finished(kind: QueueKind, priority: number): void {
    const time = virtualTimeOf(priority);
    if (time <= this.#clock[kind]) return;
    this.#clock[kind] = time;
    for (const [namespace, last] of this.#last[kind]) {
      if (last <= time) this.#last[kind].delete(namespace);
    }
  }
}
