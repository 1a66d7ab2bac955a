import type { Run } from './run.js';

/**
 * A run's signal gets a listener when the run is between one and two times this old, in
 * milliseconds.
 */
const YOUNG_MS = 5;

/**
 * Stops runs whose signals fire. Adding and removing a listener costs as much as dispatching a run,
 * and most runs end within a millisecond, so only older runs get a listener. A run that is
 * cancelled before it reaches a thread is not begun (`Scheduler`).
 */
export class Cancellations {
  readonly #stop: (run: Run) => void;
  #young: Run[] = [];
  #older: Run[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(stop: (run: Run) => void) {
    this.#stop = stop;
  }

  watch(run: Run): void {
    if (run.call.signal === undefined) return;
    this.#young.push(run);
    this.#timer ??= setTimeout(() => this.#check(), YOUNG_MS);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #check(): void {
    const old = this.#older;
    this.#older = this.#young.filter((run) => !run.finished);
    this.#young = [];
    this.#timer = this.#older.length > 0 ? setTimeout(() => this.#check(), YOUNG_MS) : null;
    for (const run of old) if (!run.finished) this.#listen(run);
  }

  #listen(run: Run): void {
    const { signal } = run.call;
    if (signal?.aborted === true) {
      this.#stop(run);
      return;
    }
    run.onAbort = () => this.#stop(run);
    signal?.addEventListener('abort', run.onAbort, { once: true });
  }
}
