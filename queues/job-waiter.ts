import type { EmptyQueue, JobStore, Marker } from './job-store.js';

/** The longest wait of a backend that does not define its own, in seconds: the limit on Redis. */
const MAX_WAIT_SECONDS = 10;

/** Waits until a queue that was found empty has a job again. */
export class JobWaiter {
  readonly #store: JobStore;
  readonly #waitSeconds: number;
  #isEmpty = false;
  /** When the next delayed job is due, in Unix milliseconds; 0 when unknown. */
  #nextDelayedAt = 0;
  /** The marker that this process has consumed and not yet acted on. */
  #marker: Marker | null = null;

  /** @param waitSeconds How long to wait for a marker before looking for jobs without one. */
  constructor(store: JobStore, waitSeconds: number) {
    this.#store = store;
    this.#waitSeconds = waitSeconds;
  }

  /** Whether the queue was empty when it was last asked. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  foundJob(): void {
    this.#isEmpty = false;
  }

  /** Records an answer without a job. */
  foundEmpty({ rateLimitMs, nextDelayedAt }: EmptyQueue): void {
    this.#isEmpty = rateLimitMs <= 0;
    this.#nextDelayedAt = Math.max(0, nextDelayedAt);
  }

  /** Resolves when the queue is worth another look. Rejects when the store fails. */
  async wait(): Promise<void> {
    const seconds = this.#secondsToWait();
    if (seconds <= 0) {
      this.#isEmpty = false;
      return;
    }
    const marker = await this.#store.waitForJob(seconds);
    this.#marker = marker ?? this.#marker;
    // Of two delayed jobs, wait for the earlier one.
    const known = this.#nextDelayedAt;
    const due = marker === null ? 0 : marker.score;
    this.#nextDelayedAt = due > 0 && known > 0 ? Math.min(due, known) : due;
    this.#isEmpty = due > Date.now();
  }

  /** Returns the marker, which the caller must act on or return to the store; null for none. */
  takeMarker(): Marker | null {
    const marker = this.#marker;
    this.#marker = null;
    return marker;
  }

  #secondsToWait(): number {
    if (this.#nextDelayedAt === 0) return Math.max(this.#waitSeconds, this.#store.minimumBlockTimeout);
    const seconds = (this.#nextDelayedAt - Date.now()) / 1000;
    if (seconds <= 0) return 0;
    const most = this.#store.maximumBlockTimeout ?? MAX_WAIT_SECONDS;
    return Math.min(Math.max(seconds, this.#store.minimumBlockTimeout), most);
  }
}
