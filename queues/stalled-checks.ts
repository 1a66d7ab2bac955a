import { isNotConnectionError } from 'bullmq';
import type { Closable } from '../src/ports/closable.js';
import type { JobStore } from './job-store.js';
import type { Warn } from './warn.js';

/**
 * Recovers the jobs of workers that died: periodically returns jobs whose locks have expired to the
 * queue, and counts the crash. BullMQ marks a job in one check and moves it in the next.
 */
export class StalledChecks implements Closable {
  readonly #store: JobStore;
  readonly #everyMs: number;
  readonly #warn: Warn;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(store: JobStore, everyMs: number, warn: Warn) {
    this.#store = store;
    this.#everyMs = everyMs;
    this.#warn = warn;
    void this.#check();
  }

  /** Does not wait for a pending check, because the store may be unreachable. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    try {
      await this.#store.moveStalledJobsToWait();
    } catch (error) {
      if (!this.#isClosed && error instanceof Error && isNotConnectionError(error))
        this.#warn('Failed to check for stalled jobs; retrying.', error);
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#check(), this.#everyMs);
  }
}
