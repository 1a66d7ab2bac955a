/**
 * Who is next. BullMQ serves jobs by priority, lowest first; a job's priority is its turn, given when it is added,
 * by start-time fair queueing:
 *
 *   turn = max(clock, last turn of the namespace) ; last turn of the namespace = turn + 1 / JOBS_PER_TURN
 *
 * where the clock is the highest turn that a worker has been seen to finish. A namespace with 10,000 waiting jobs has
 * spread them over 2,500 turns ahead of the clock; another's first job gets the clock's own turn and goes before all
 * but JOBS_PER_TURN of them. Nobody starves, because the clock moves on with every job done, and a turn once given
 * is reached. What is kept is one number per band and one per namespace that is ahead of the clock.
 *
 * Two bands: calls that somebody waits for go before all others.
 */
export const JOBS_PER_TURN = 4;
export const TURN_COST = 1 / JOBS_PER_TURN;

/** BullMQ's priorities end at 2^21; each band has one half. */
export const BAND_SIZE = 2 ** 20;
/** Turns are counted from the clock anew when it has come this far, long before the band is full. */
export const REBASE_AT = 2 ** 19;

export type Band = 0 | 1;

export function bandOf(isSync: boolean): Band {
  return isSync ? 0 : 1;
}

/** Never 0: for BullMQ that is "no priority" and would go before everything. */
export function priorityOf(band: Band, turn: number): number {
  return band * BAND_SIZE + Math.min(Math.floor(turn), BAND_SIZE - 2) + 1;
}

export function turnOf(priority: number): { band: Band; turn: number } {
  const band = priority > BAND_SIZE ? 1 : 0;
  return { band, turn: priority - 1 - band * BAND_SIZE };
}

/**
 * The turns of a queue that one process has to itself. On Redis, where several add, the ADMIT script does the same
 * with what Redis keeps; there this is the copy that a process guesses with.
 */
export class Turns {
  readonly #clock: [number, number] = [0, 0];
  readonly #last: [Map<string, number>, Map<string, number>] = [new Map(), new Map()];

  /** Takes the namespace's next turn; returns the priority that stands for it. */
  take(band: Band, namespace: string): number {
    const turn = Math.max(this.#clock[band], this.#last[band].get(namespace) ?? 0);
    this.#last[band].set(namespace, turn + TURN_COST);
    return priorityOf(band, turn);
  }

  /** Counts a job that was added in an earlier life. */
  restore(namespace: string, priority: number): void {
    const { band, turn } = turnOf(priority);
    this.#last[band].set(namespace, Math.max(turn + 1, this.#last[band].get(namespace) ?? 0));
  }

  /** Moves the clock on to the turn of a job that is done. */
  finished(priority: number): void {
    const { band, turn } = turnOf(priority);
    if (turn > this.#clock[band]) this.follow(band, turn);
  }

  /** Sets the clock to that of the queue's server. */
  follow(band: Band, clock: number): void {
    if (clock === this.#clock[band]) return;
    // Turns have been counted anew: what is remembered of them says nothing any more.
    if (clock < this.#clock[band]) this.#last[band].clear();
    this.#clock[band] = clock;
    for (const [namespace, last] of this.#last[band]) {
      if (last <= clock) this.#last[band].delete(namespace);
    }
  }

  /** Learns how far others have taken a namespace. Never back: our own latest are still on their way. */
  learn(band: Band, namespace: string, last: number): void {
    if (last > (this.#last[band].get(namespace) ?? 0)) this.#last[band].set(namespace, last);
  }

  /** Gives up a guess that came to nothing. */
  forget(): void {
    for (const last of this.#last) last.clear();
  }

  /** How far turns must be shifted back before they run out; 0 while there is room. */
  overflow(band: Band): number {
    return this.#clock[band] > REBASE_AT ? this.#clock[band] : 0;
  }

  shift(band: Band, by: number): void {
    this.#clock[band] -= by;
    for (const [namespace, last] of this.#last[band]) this.#last[band].set(namespace, last - by);
  }
}
