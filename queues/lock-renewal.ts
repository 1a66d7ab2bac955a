import { setImmediate as turn } from 'node:timers/promises';
import type { Closable } from '../src/ports/closable.js';
import type { HeldRun, JobStore } from './job-store.js';
import type { Warn } from './warn.js';

interface HeldLock {
  run: HeldRun;
  /** When the lock was acquired or last renewed, on the monotonic clock in milliseconds. */
  renewedAt: number;
}

/**
 * Renews the locks of this process's jobs, as BullMQ's own workers do: checks four times per lock
 * duration, and renews all locks older than a quarter of it in one command. Unlike theirs, a lock
 * that expired while the store was away is set again if no other run has the job.
 *
 * A run is identified by its lock token, because two runs of one job may overlap in one process: a
 * retried job may be fetched before the end of its previous run has been handled, and a process
 * that was suspended until a lock expired may take over the job from itself.
 */
export class LockRenewal implements Closable {
  readonly #store: JobStore;
  readonly #lockMs: number;
  readonly #onLost: (token: string) => void;
  readonly #warn: Warn;
  /** By token, earlier runs first. */
  readonly #held = new Map<string, HeldLock>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param onLost Called with the token of each run to which its job no longer belongs. */
  constructor(store: JobStore, lockMs: number, onLost: (token: string) => void, warn: Warn) {
    this.#store = store;
    this.#lockMs = lockMs;
    this.#onLost = onLost;
    this.#warn = warn;
    this.#schedule();
  }

  track(run: HeldRun): void {
    this.#held.set(run.token, { run, renewedAt: performance.now() });
  }

  untrack(token: string): void {
    this.#held.delete(token);
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
    // Of several runs of one job, only the latest can hold the lock.
    const latest = new Map([...this.#held].map(([token, { run }]) => [run.id, token]));
    const renewable = due.filter(([token, { run }]) => latest.get(run.id) === token);
    for (const [, held] of due) held.renewedAt = now;
    try {
      const refused = new Set(await this.#store.renewLocks(renewable.map(([, { run }]) => run)));
      const lost = due.filter(([token, { run }]) => latest.get(run.id) !== token || refused.has(run.id));
      // The job may have left the queue in the meantime. If the reply that says so was read in the
      // same turn, it has been handled in the next.
      if (lost.length > 0) await turn();
      for (const [token, held] of lost) {
        // The run may have ended, and another job may have been fetched under the same token.
        if (this.#held.get(token) !== held) continue;
        this.#held.delete(token);
        this.#warn(
          `Lost the lock of invocation ${held.run.id}: it had expired, and the job has returned to the queue or runs again.`,
          undefined,
        );
        this.#onLost(token);
      }
    } catch (error) {
      // Due again at the next check, which is before the next check for stalled jobs.
      for (const [, held] of due) held.renewedAt = Number.NEGATIVE_INFINITY;
      if (this.#isClosed) return;
      this.#warn('Failed to renew the locks of running invocations; retrying.', error);
    }
  }
}
