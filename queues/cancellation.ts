import type { CancelReason, CancelSignal } from '../src/ports/cancel-signal.js';

/**
 * The cancel signal of a job in this process; fires at most once. It has the subset of
 * `AbortSignal` that handlers use.
 */
export class Cancellation implements CancelSignal {
  aborted = false;
  reason: CancelReason | undefined;
  readonly jobId: string;
  #listeners: Set<() => void> | undefined;

  constructor(jobId: string) {
    this.jobId = jobId;
  }

  abort(reason: CancelReason): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.aborted) return;
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners?.delete(listener);
  }
}
