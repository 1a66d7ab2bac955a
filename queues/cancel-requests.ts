import type { Closable } from '../src/ports/closable.js';
import { Cancellation } from './cancellation.js';
import type { QueueDriver } from './driver.js';
import type { Warn } from './warn.js';

/**
 * How long a cancel request for an unknown job is remembered: it may arrive at this worker before
 * the job does.
 */
const EARLY_CANCEL_MS = 10_000;

/**
 * The runs of jobs in this process, and the cancel requests for them. A run is identified by its
 * lock token, because two runs of one job may overlap; see lock-renewal.ts.
 */
export class CancelRequests implements Closable {
  readonly #driver: QueueDriver;
  readonly #warn: Warn;
  /** By lock token. */
  readonly #active = new Map<string, Cancellation>();
  readonly #early = new Map<string, NodeJS.Timeout>();
  #subscription: Closable | undefined;

  constructor(driver: QueueDriver, warn: Warn) {
    this.#driver = driver;
    this.#warn = warn;
  }

  async subscribe(): Promise<void> {
    this.#subscription = await this.#driver.onCancelRequest((id) => this.#onRequest(id));
  }

  /** Returns the cancel signal of a run, which receives requests until `forget`. */
  track(id: string, token: string): Cancellation {
    const cancellation = new Cancellation(id);
    this.#active.set(token, cancellation);
    return cancellation;
  }

  forget(token: string): void {
    this.#active.delete(token);
  }

  /** Called when the job of this run now belongs to another run. */
  lose(token: string): void {
    this.#active.get(token)?.abort('lost');
  }

  /** Applies a request that arrived before the job did. */
  applyEarly(cancellation: Cancellation): void {
    if (this.#early.has(cancellation.jobId)) cancellation.abort('cancelled');
  }

  /** Applies a request that was sent while no worker, or another one, had the job. */
  async check(cancellation: Cancellation): Promise<void> {
    const id = cancellation.jobId;
    try {
      if (await this.#driver.isCancelRequested(id)) cancellation.abort('cancelled');
    } catch (error) {
      this.#warn(`Failed to read whether invocation ${id} was cancelled; the invocation runs.`, error);
    }
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
    for (const timer of this.#early.values()) clearTimeout(timer);
  }

  #onRequest(id: string | null): void {
    if (id === null) {
      for (const cancellation of this.#active.values()) void this.check(cancellation);
      return;
    }
    let isActive = false;
    for (const cancellation of this.#active.values()) {
      if (cancellation.jobId !== id) continue;
      isActive = true;
      cancellation.abort('cancelled');
    }
    if (isActive) return;
    const timer = setTimeout(() => this.#early.delete(id), EARLY_CANCEL_MS);
    timer.unref();
    clearTimeout(this.#early.get(id));
    this.#early.set(id, timer);
  }
}
