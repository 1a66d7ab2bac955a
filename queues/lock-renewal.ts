import type { Closable } from '../src/ports/closable.js';
import type { Warn } from './driver.js';
import type { JobStore } from './job-store.js';

interface Held {
  token: string;
  /** When its lock was taken or renewed last, on the monotonic clock. */
  renewedAt: number;
}

/**
 * Renews the locks of the jobs that this process has, as BullMQ's own workers do: it looks four
 * times in the life of a lock and renews those older than a quarter of it, all in one command.
 */
export class LockRenewal implements Closable {
  readonly #store: JobStore;
  readonly #lockMs: number;
  readonly #onLost: (id: string) => void;
  readonly #warn: Warn;
  readonly #held = new Map<string, Held>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `onLost` is told of jobs that another worker has by now. */
  constructor(store: JobStore, lockMs: number, onLost: (id: string) => void, warn: Warn) {
    this.#store = store;
    this.#lockMs = lockMs;
    this.#onLost = onLost;
    this.#warn = warn;
    this.#schedule();
  }

  track(id: string, token: string): void {
    this.#held.set(id, { token, renewedAt: performance.now() });
  }

  untrack(id: string): void {
    this.#held.delete(id);
  }

  /** Does not wait for a command under way: the store may be away. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#held.clear();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#renew().finally(() => this.#schedule()), this.#lockMs / 4);
  }

  async #renew(): Promise<void> {
    const now = performance.now();
    const due = [...this.#held].filter(([, { renewedAt }]) => renewedAt + this.#lockMs / 4 < now);
    if (due.length === 0) return;
    const ids = due.map(([id]) => id);
    const tokens = due.map(([, { token }]) => token);
    for (const [, held] of due) held.renewedAt = now;
    try {
      for (const id of await this.#store.extendLocks(ids, tokens, this.#lockMs)) {
        // It may have left the queue meanwhile.
        if (!this.#held.has(id)) continue;
        this.#warn(`Invocation ${id} is another worker's by now: its lock could not be renewed.`, undefined);
        this.#onLost(id);
      }
    } catch (error) {
      if (this.#isClosed) return;
      this.#warn('The locks of running invocations could not be renewed; it is tried again.', error);
    }
  }
}
