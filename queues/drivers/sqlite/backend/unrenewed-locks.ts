/** Differences up to this size, in milliseconds, are corrections of a clock that runs on. */
const TOLERANCE_MS = 500;

/**
 * Notices when locks have expired although their holders run and will renew them: when the system's
 * clock was set forward, when the machine was suspended, or when this process was stopped.
 */
export class UnrenewedLocks {
  #checkedAt = performance.now();
  #offset = Date.now() - performance.now();
  #noticedAt = Number.NEGATIVE_INFINITY;

  /**
   * Whether holders may need the time of a lock to renew it. Call it before each check for stalled
   * jobs.
   *
   * @param intervalMs The time between two checks.
   */
  areLikely({ intervalMs, lockMs }: { intervalMs: number; lockMs: number }): boolean {
    const now = performance.now();
    const offset = Date.now() - now;
    const late = now - this.#checkedAt - intervalMs;
    if (offset - this.#offset > TOLERANCE_MS || late > lockMs / 4) this.#noticedAt = now;
    this.#checkedAt = now;
    this.#offset = offset;
    return now - this.#noticedAt < lockMs;
  }
}
