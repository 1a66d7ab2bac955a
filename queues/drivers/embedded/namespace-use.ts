/** What one namespace has in the queue. */
export class NamespaceUse {
  jobs = 0;
  running = 0;
  bytes = 0;
  /** By id, in Unix milliseconds: when the first attempt is due. */
  readonly #due = new Map<string, number>();
  /** No job is due before this: until then nobody needs to look. */
  #nextDue = Number.POSITIVE_INFINITY;

  delay(id: string, due: number): void {
    this.#due.set(id, due);
    this.#nextDue = Math.min(this.#nextDue, due);
  }

  /** The job has been begun, or has left. */
  undelay(id: string): void {
    this.#due.delete(id);
  }

  /** The jobs that are not due yet. */
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
