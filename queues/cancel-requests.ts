import type { Closable } from '../src/ports/closable.js';
import { Cancellation } from './cancellation.js';
import type { QueueDriver, Warn } from './driver.js';

/**
 * Why a delivery's signal was aborted: the invocation was cancelled, or another worker has taken
 * over the job.
 */
const CANCELLED = 'cancelled';
const LOST = 'lost';

/**
 * How long a cancel request for an unknown job is remembered: it may arrive at this worker before
 * the job does.
 */
const EARLY_CANCEL_MS = 10_000;

/** The jobs that this process has, and the cancel requests for them. */
export class CancelRequests implements Closable {
  readonly #driver: QueueDriver;
  readonly #warn: Warn;
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

  /** Returns the cancel signal of a job that this process has until `forget`. */
  track(id: string): Cancellation {
    const cancellation = new Cancellation();
    this.#active.set(id, cancellation);
    return cancellation;
  }

  forget(id: string): void {
    this.#active.delete(id);
  }

  /** Called when another worker has taken over the job. */
  lose(id: string): void {
    this.#active.get(id)?.abort(LOST);
  }

  isLost(id: string): boolean {
    return this.#active.get(id)?.reason === LOST;
  }

  /** Applies a request that arrived before the job did. */
  applyEarly(id: string, cancellation: Cancellation): void {
    if (this.#early.has(id)) cancellation.abort(CANCELLED);
  }

  /** Applies a request that was sent while no worker, or another one, had the job. */
  async check(id: string): Promise<void> {
    try {
      if (await this.#driver.isCancelRequested(id)) this.#active.get(id)?.abort(CANCELLED);
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
      for (const jobId of this.#active.keys()) void this.check(jobId);
      return;
    }
    const cancellation = this.#active.get(id);
    if (cancellation !== undefined) {
      cancellation.abort(CANCELLED);
      return;
    }
    const timer = setTimeout(() => this.#early.delete(id), EARLY_CANCEL_MS);
    timer.unref();
    clearTimeout(this.#early.get(id));
    this.#early.set(id, timer);
  }
}
