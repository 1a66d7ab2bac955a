import { MAX_TIMER_MS } from '../../src/concurrency/timeout.js';
import type { Run } from './run.js';
import type { ThreadQueues } from './thread-queues.js';

/**
 * Stops runs whose deadline has passed. A single timer is set for the earliest deadline: most runs
 * end long before theirs, so a timer per run would be set and cleared in vain.
 */
export class Deadlines {
  readonly #queues: Pick<ThreadQueues, 'all'>;
  readonly #stop: (run: Run) => void;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer fires, by `performance.now()`, which does not jump when the clock is set. */
  #at = Number.POSITIVE_INFINITY;

  constructor(queues: Pick<ThreadQueues, 'all'>, stop: (run: Run) => void) {
    this.#queues = queues;
    this.#stop = stop;
  }

  /** Watches a run that was just queued on its thread. */
  watch(run: Run): void {
    this.#watchUntil(dueAt(run));
  }

  #watchUntil(due: number): void {
    if (due >= this.#at) return;
    this.close();
    this.#at = due;
    this.#timer = setTimeout(
      () => this.#check(),
      Math.min(Math.max(due - performance.now(), 1), MAX_TIMER_MS),
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
   * Decides for each run once: two calculations of a deadline differ by the time that passes
   * between two clock readings, so a run could be expired in neither. Collects all expired runs
   * before it stops the first, because stopping changes the thread queues.
   */
  #check(): void {
    this.close();
    const now = performance.now();
    const expired: Run[] = [];
    for (const [, queue] of this.#queues.all()) {
      for (const run of queue) {
        if (run.finished || run.stopReason !== null) continue;
        const due = dueAt(run);
        if (due <= now) expired.push(run);
        else this.#watchUntil(due);
      }
    }
    for (const run of expired) this.#stop(run);
  }
}

/**
 * Returns the deadline by `performance.now()`. The time counts from when the guest began, which is
 * slightly after it was queued on its thread.
 */
function dueAt({ slot, call }: Run): number {
  return performance.now() - (slot?.elapsedMs ?? 0) + call.timeoutMs;
}
