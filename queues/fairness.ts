import { LANES, type Lane } from './jobs.js';

/**
 * Who is next in a lane. BullMQ serves jobs by priority, lowest first; a job's priority is its turn, given when it is added,
 * by start-time fair queueing:
 *
 *   turn = max(clock, last turn of the namespace) ; last turn of the namespace = turn + 1 / JOBS_PER_TURN
 *
 * where the clock is the highest turn that a worker has been seen to finish. A namespace with 10,000 waiting jobs has
 * spread them over 2,500 turns ahead of the clock; another's first job gets the clock's own turn and goes before all
 * but JOBS_PER_TURN of them. Nobody starves, because the clock moves on with every job done, and a turn once given
 * is reached. What is kept is one number per lane and one per namespace that is ahead of the clock.
 */
export const JOBS_PER_TURN = 4;
export const TURN_COST = 1 / JOBS_PER_TURN;

/** BullMQ's priorities end here. */
export const MAX_PRIORITY = 2 ** 21;
/** Turns are counted from the clock anew when it has come this far, long before priorities run out. */
export const REBASE_AT = 2 ** 20;

/** Never 0: for BullMQ that is "no priority" and would go before everything. */
export function priorityOf(turn: number): number {
  return Math.min(Math.floor(turn) + 1, MAX_PRIORITY);
}

export function turnOf(priority: number): number {
  return priority - 1;
}

/** A value for each lane. */
export function perLane<T>(make: (lane: Lane) => T): Record<Lane, T> {
  return Object.fromEntries(LANES.map((lane) => [lane, make(lane)])) as Record<Lane, T>;
}

/**
 * The turns of a queue that one process has to itself. On Redis, where several add, the script that adds does
 * the same with what Redis keeps.
 */
export class Turns {
  readonly #clock = perLane(() => 0);
  readonly #last = perLane(() => new Map<string, number>());

  /** Takes the namespace's next turn; returns the priority that stands for it. */
  take(lane: Lane, namespace: string): number {
    const turn = Math.max(this.#clock[lane], this.#last[lane].get(namespace) ?? 0);
    this.#last[lane].set(namespace, turn + TURN_COST);
    return priorityOf(turn);
  }

  /** Counts a job that was added in an earlier life. */
  restore(lane: Lane, namespace: string, priority: number): void {
    const turn = turnOf(priority);
    this.#last[lane].set(namespace, Math.max(turn + 1, this.#last[lane].get(namespace) ?? 0));
  }

  /** Moves the clock on to the turn of a job that is done. */
  finished(lane: Lane, priority: number): void {
    const turn = turnOf(priority);
    if (turn <= this.#clock[lane]) return;
    this.#clock[lane] = turn;
    for (const [namespace, last] of this.#last[lane]) {
      if (last <= turn) this.#last[lane].delete(namespace);
    }
  }

  /** How far turns must be shifted back before they run out; 0 while there is room. */
  overflow(lane: Lane): number {
    return this.#clock[lane] > REBASE_AT ? this.#clock[lane] : 0;
  }

  shift(lane: Lane, by: number): void {
    this.#clock[lane] -= by;
    for (const [namespace, last] of this.#last[lane]) this.#last[lane].set(namespace, last - by);
  }
}
