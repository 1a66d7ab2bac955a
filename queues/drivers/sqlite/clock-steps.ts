/** Differences up to this size, in milliseconds, are corrections of a clock that runs on. */
const TOLERANCE_MS = 500;

/**
 * Notices when the system's clock is set forward, or has moved on while the machine was suspended:
 * all locks then seem to have expired, although their holders run and will renew them.
 */
export class ClockSteps {
  #offset = Date.now() - performance.now();
  #steppedAt = Number.NEGATIVE_INFINITY;

  /**
   * Whether the clock has been set forward between the last two calls, or between two calls within
   * the last `ms` milliseconds.
   */
  steppedForwardWithin(ms: number): boolean {
    const now = performance.now();
    const offset = Date.now() - now;
    if (offset - this.#offset > TOLERANCE_MS) this.#steppedAt = now;
    this.#offset = offset;
    return now - this.#steppedAt < ms;
  }
}
