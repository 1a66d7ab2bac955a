import type { BufferReservation } from '../../src/concurrency/buffer-budget.js';
import { MAX_TIMER_MS } from '../../src/concurrency/timeout.js';
import { MAX_HOST_BYTES, MAX_PARALLEL_FETCHES, MB } from '../../src/contract/limits.js';
import { AppError, messageOf } from '../../src/errors.js';
import { tooManyBytes } from './budgeted-host.js';

interface FinishedFetch {
  handle: number;
  /** The reply in the format of `http_fetch`: UTF-8, outside the heap of the process. */
  reply: Buffer;
  reservation: BufferReservation;
}

/** The concurrent requests of one invocation (`http_start`, `http_next`). */
export class ParallelFetches {
  #lastHandle = 0;
  #inFlight = 0;
  #heldBytes = 0;
  readonly #ended: FinishedFetch[] = [];
  #wake: (() => void) | null = null;
  #closed = false;
  readonly #reserve: () => BufferReservation;

  /** @param reserve Reserves memory of the namespace for one body or reply. */
  constructor(reserve: () => BufferReservation) {
    this.#reserve = reserve;
  }

  /** Drops the replies that were not taken, and ends the wait of `next`. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
    for (const { reservation } of this.#ended.splice(0)) reservation.release();
  }

  /**
   * Starts a request and returns its handle. `run` resolves with the reply as JSON text, also for
   * network errors. Throws when MAX_PARALLEL_FETCHES requests are in flight or not taken yet, or
   * when the namespace may not hold its body.
   */
  start(bodyBytes: number, run: () => Promise<string>): number {
    if (this.#inFlight + this.#ended.length >= MAX_PARALLEL_FETCHES) {
      throw new AppError(
        'invalid_request',
        `${MAX_PARALLEL_FETCHES} requests are in flight or not taken yet, which is the limit; take some with http_next first.`,
      );
    }
    const body = this.#reserve();
    if (!body.take(bodyBytes)) throw tooManyBytes();
    const handle = ++this.#lastHandle;
    this.#inFlight++;
    void run()
      .catch((error) => failure(String(error)))
      .then((text) => {
        body.release();
        this.#onEnd(handle, text);
      });
    return handle;
  }

  /**
   * Resolves with the next finished request, as JSON text with its `handle`; with null when none is
   * left or `timeoutMs` has passed.
   */
  async next(timeoutMs: number): Promise<string | null> {
    if (this.#ended.length === 0 && this.#inFlight > 0 && !this.#closed)
      await this.#waitForEnd(Math.max(0, timeoutMs));
    const ended = this.#ended.shift();
    if (ended === undefined) return null;
    this.#heldBytes -= ended.reply.byteLength;
    ended.reservation.release();
    // The reply is a JSON object with at least one field.
    return `{"handle":${ended.handle},${ended.reply.toString('utf8', 1)}`;
  }

  #waitForEnd(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, Math.min(timeoutMs, MAX_TIMER_MS));
      this.#wake = done;
    });
  }

  #onEnd(handle: number, text: string): void {
    this.#inFlight--;
    if (this.#closed) return;
    const reservation = this.#reserve();
    let reply = Buffer.from(text);
    if (this.#heldBytes + reply.byteLength > MAX_HOST_BYTES)
      reply = Buffer.from(failure(`the replies not taken yet have more than ${MAX_HOST_BYTES / MB} MB`));
    else if (!reservation.take(reply.byteLength)) reply = Buffer.from(failure(messageOf(tooManyBytes())));
    this.#heldBytes += reply.byteLength;
    this.#ended.push({ handle, reply, reservation });
    this.#wake?.();
  }
}

function failure(error: string): string {
  return JSON.stringify({ error, status: 0 });
}
