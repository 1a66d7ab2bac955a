/** Keeps all other jobs of a process out while one runs alone or waits for that. */
export class AloneGate {
  readonly #waiting: ((isAdmitted: boolean) => void)[] = [];
  #isHeld = false;

  /** Whether a job that must run alone is running. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether other jobs may begin. */
  get isOpen(): boolean {
    return !this.#isHeld && !this.hasWaiting;
  }

  wait(admit: (isAdmitted: boolean) => void): void {
    this.#waiting.push(admit);
  }

  /** Removes a job that no longer waits. Returns false if it was admitted or refused before. */
  withdraw(admit: (isAdmitted: boolean) => void): boolean {
    const at = this.#waiting.indexOf(admit);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /**
   * Admits the next waiting job, if none is running alone. Call it while no other job has a slot.
   */
  admitNext(): void {
    if (this.#isHeld) return;
    const admit = this.#waiting.shift();
    this.#isHeld = admit !== undefined;
    admit?.(true);
  }

  leave(): void {
    this.#isHeld = false;
  }

  /** Refuses all jobs that wait. */
  refuseAll(): void {
    for (const admit of this.#waiting.splice(0)) admit(false);
  }
}
