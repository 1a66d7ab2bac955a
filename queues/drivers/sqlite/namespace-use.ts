/** The jobs and bytes of one namespace in the queue. */
export class NamespaceUse {
  jobs = 0;
  running = 0;
  bytes = 0;
  /** By job id: when the first attempt is due, in Unix milliseconds. */
  readonly #due = new Map<string, number>();
  /** A lower bound of the due times; `delayed` scans the jobs only after this time. */
  #nextDue = Number.POSITIVE_INFINITY;

  delay(id: string, due: number): void {
    this.#due.set(id, due);
    this.#nextDue = Math.min(this.#nextDue, due);
  }

  /** Removes a job from the delayed jobs: it has begun or has left the queue. */
  undelay(id: string): void {
    this.#due.delete(id);
  }

  /** Returns the jobs that are not due at `now` (Unix milliseconds), with their due times. */
  delayed(now: number): ReadonlyMap<string, number> {
    if (now < this.#nextDue) return this.#due;
    this.#nextDue = Number.POSITIVE_INFINITY;
    for (const [id, due] of this.#due) {
      if (due <= now) this.#due.delete(id);
      else this.#nextDue = Math.min(this.#nextDue, due);
    }
    return this.#due;
  }
}
