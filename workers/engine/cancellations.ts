import type { Run } from './run.js';

/** A signal is listened to when its run is older than this, and no older than twice that. */
const YOUNG_MS = 5;

/**
 * Stops runs whose signals fire. Listening to a signal and no longer doing so costs as much as all
 * of handing a run over, and most runs have ended within a millisecond: so only those that have not
 * are listened to. A run that was cancelled before it reaches a thread is not begun (`Scheduler`).
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
    this.#older = this.#young.filter((run) => !run.settled);
    this.#young = [];
    this.#timer = this.#older.length > 0 ? setTimeout(() => this.#check(), YOUNG_MS) : null;
    for (const run of old) if (!run.settled) this.#listen(run);
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
