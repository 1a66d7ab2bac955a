import { MAX_TIMER_MS } from '../../src/concurrency/timeout.js';
import type { Run } from './run.js';

/** The part of a run that its deadline depends on. */
export interface TimedRun extends Pick<Run, 'finished' | 'stopReason'> {
  readonly call: Pick<Run['call'], 'timeoutMs'>;
  readonly slot: { readonly elapsedMs: number } | null;
}

/** The runs of each thread. */
interface RunsByThread<R> {
  all(): Iterable<[unknown, readonly R[]]>;
}

/**
 * Stops runs whose deadline has passed. A single timer is set for the earliest deadline: most runs
 * end long before theirs, so a timer per run would be set and cleared in vain.
 */
export class Deadlines<R extends TimedRun> {
  readonly #queues: RunsByThread<R>;
  readonly #stop: (run: R) => void;
  #timer: NodeJS.Timeout | null = null;
  /** When the timer fires, by `performance.now()`, which does not jump when the clock is set. */
  #at = Number.POSITIVE_INFINITY;

  constructor(queues: RunsByThread<R>, stop: (run: R) => void) {
    this.#queues = queues;
    this.#stop = stop;
  }

  /** Watches a run that was just queued on its thread. */
  watch(run: R): void {
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
    const expired: R[] = [];
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
function dueAt({ slot, call }: TimedRun): number {
  return performance.now() - (slot?.elapsedMs ?? 0) + call.timeoutMs;
}
