import type { Run } from './run.js';
import type { ThreadQueues } from './thread-queues.js';

/** The longest delay that a timer supports, in milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Stops runs whose deadline has passed. A single timer is set for the earliest deadline: most runs
 * end long before theirs, so a timer per run would be set and cleared in vain.
 */
export class Deadlines {
  readonly #lines: ThreadQueues;
  readonly #stop: (run: Run) => void;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer fires, by `performance.now()`, which does not jump when the clock is set. */
  #at = Number.POSITIVE_INFINITY;

  constructor(lines: ThreadQueues, stop: (run: Run) => void) {
    this.#lines = lines;
    this.#stop = stop;
  }

  /** Watches a run that was just queued on its thread. */
  watch(run: Run): void {
    const due = dueAt(run);
    if (due >= this.#at) return;
    this.close();
    this.#at = due;
    this.#timer = setTimeout(
      () => this.#check(),
      Math.min(Math.max(due - performance.now(), 1), MAX_DELAY_MS),
    );
    // An unref'ed timer does not keep the process alive: the run it was set for may have ended.
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /**
   * Collects all expired runs before it stops the first, because stopping changes the thread
   * queues.
   */
  #check(): void {
    this.close();
    const now = performance.now();
    const going = [...this.#lines.all()]
      .flatMap(([, line]) => line)
      .filter((run) => !run.settled && run.stopReason === null);
    for (const run of going) if (dueAt(run) > now) this.watch(run);
    for (const run of going) if (dueAt(run) <= now) this.#stop(run);
  }
}

/**
 * Returns the deadline by `performance.now()`. The time counts from when the guest began, which is
 * slightly after it was queued on its thread.
 */
function dueAt({ slot, call }: Run): number {
  return performance.now() - (slot?.elapsedMs ?? 0) + call.timeoutMs;
}
