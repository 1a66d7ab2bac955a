import { MAX_HOST_BYTES, MAX_PARALLEL_FETCHES, MB } from '../../src/contract/limits.js';
import { AppError } from '../../src/errors.js';

interface FinishedFetch {
  handle: number;
  /** The reply in the format of `http_fetch`. */
  reply: Record<string, unknown>;
  bytes: number;
}

/** The concurrent requests of one invocation (`http_start`, `http_next`). */
export class ParallelFetches {
  #lastHandle = 0;
  #inFlight = 0;
  #heldBytes = 0;
  readonly #ended: FinishedFetch[] = [];
  #wake: (() => void) | null = null;

  /**
   * Starts a request and returns its handle. `run` resolves with the reply as JSON text, also for
   * network errors. Throws when MAX_PARALLEL_FETCHES requests are in flight or not taken yet.
   */
  start(run: () => Promise<string>): number {
    if (this.#inFlight + this.#ended.length >= MAX_PARALLEL_FETCHES) {
      throw new AppError(
        'invalid_request',
        `${MAX_PARALLEL_FETCHES} requests are in flight or not taken yet, which is the limit; take some with http_next first.`,
      );
    }
    const handle = ++this.#lastHandle;
    this.#inFlight++;
    void run()
      .catch((error) => JSON.stringify({ error: String(error), status: 0 }))
      .then((text) => this.#onEnd(handle, text));
    return handle;
  }

  /**
   * Resolves with the next finished request, as JSON text with its `handle`; with null when none is
   * left or `timeoutMs` has passed.
   */
  async next(timeoutMs: number): Promise<string | null> {
    if (this.#ended.length === 0 && this.#inFlight > 0) await this.#waitForEnd(Math.max(0, timeoutMs));
    const ended = this.#ended.shift();
    if (ended === undefined) return null;
    this.#heldBytes -= ended.bytes;
    return JSON.stringify({ handle: ended.handle, ...ended.reply });
  }

  #waitForEnd(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, Math.min(timeoutMs, 2 ** 31 - 1));
      this.#wake = done;
    });
  }

  #onEnd(handle: number, text: string): void {
    this.#inFlight--;
    const bytes = Buffer.byteLength(text);
    if (this.#heldBytes + bytes > MAX_HOST_BYTES) {
      const error = `the replies not taken yet have more than ${MAX_HOST_BYTES / MB} MB`;
      this.#ended.push({ handle, reply: { error, status: 0 }, bytes: 0 });
    } else {
      this.#heldBytes += bytes;
      this.#ended.push({ handle, reply: JSON.parse(text), bytes });
    }
    this.#wake?.();
  }
}
