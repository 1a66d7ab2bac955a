import { setImmediate as turn } from 'node:timers/promises';
import type { Closable } from '../src/ports/closable.js';
import type { Warn } from './driver.js';
import type { JobStore } from './job-store.js';

interface HeldLock {
  token: string;
  /** When the lock was acquired or last renewed, on the monotonic clock in milliseconds. */
  renewedAt: number;
}

/**
 * Renews the locks of this process's jobs, as BullMQ's own workers do: checks four times per lock
 * duration, and renews all locks older than a quarter of it in one command.
 */
export class LockRenewal implements Closable {
  readonly #store: JobStore;
  readonly #lockMs: number;
  readonly #onLost: (id: string) => void;
  readonly #warn: Warn;
  readonly #held = new Map<string, HeldLock>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param onLost Called with the id of each job whose lock another worker now holds. */
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

  /** Does not wait for a pending command, because the store may be unreachable. */
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
      const lost = await this.#store.extendLocks(ids, tokens, this.#lockMs);
      // The job may have left the queue in the meantime. If the reply that says so was read in the
      // same turn, it has been handled in the next.
      if (lost.length > 0) await turn();
      for (const id of lost) {
        if (!this.#held.has(id)) continue;
        this.#warn(`Lost the lock of invocation ${id}: another worker has taken it over.`, undefined);
        this.#onLost(id);
      }
    } catch (error) {
      if (this.#isClosed) return;
      this.#warn('Failed to renew the locks of running invocations; retrying.', error);
    }
  }
}
