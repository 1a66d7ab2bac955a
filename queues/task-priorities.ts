const ROUND_MS = 60_000;

/**
 * Orders tasks fairly: an owner's first task of a minute goes before every owner's second. A
 * backlog of one owner thus does not delay the tasks of others, and no state is needed for finished
 * tasks.
 */
export class TaskPriorities {
  readonly #counts = new Map<string, number>();
  #roundSince = 0;

  /** Returns the priority of the owner's next task; BullMQ serves the lowest first. */
  next(owner: string, now: number): number {
    if (now - this.#roundSince >= ROUND_MS) {
      this.#roundSince = now;
      this.#counts.clear();
    }
    const count = (this.#counts.get(owner) ?? 0) + 1;
    this.#counts.set(owner, count);
    return count;
  }
}
