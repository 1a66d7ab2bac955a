const ROUND_MS = 60_000;

/**
 * Who is next among tasks: an owner's first of a minute goes before everybody's second. So a
 * backlog of one owner does not hold up another's task, and nothing has to be kept of tasks that
 * are over.
 */
export class TaskTurns {
  readonly #counts = new Map<string, number>();
  #roundSince = 0;

  /** The priority of the owner's next task, as BullMQ has it: the lowest goes first. */
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
