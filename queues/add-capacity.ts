import { FairQueue } from '../src/concurrency/fair-queue.js';
import { MB } from '../src/contract/limits.js';

/**
 * The limit of input bytes in pending adds, after which further adds wait. While a job is being
 * added, its input is in memory several times: as the job's data, as JSON, and as a command.
 */
const FULL_BYTES = 64 * MB;
/**
 * Adds with at most this many input bytes wait only beyond twice the limit, because most adds are
 * small.
 */
const SMALL_BYTES = 64 << 10;

/**
 * Limits the memory of pending adds, regardless of the number of concurrent callers with large
 * inputs. Waiting namespaces are served in turn.
 */
export class AddCapacity {
  readonly #full: number;
  readonly #waiting = new FairQueue<{ bytes: number; admit: () => void }>();
  #bytes = 0;

  constructor(fullBytes = FULL_BYTES) {
    this.#full = fullBytes;
  }

  /**
   * Acquires capacity for an add. Returns null when there is some, otherwise a promise that
   * resolves when there is; the caller must call `release` with the same number of bytes.
   */
  acquire(namespace: string, bytes: number): Promise<void> | null {
    const isSmall = bytes <= SMALL_BYTES;
    const hasCapacity = isSmall
      ? this.#bytes < 2 * this.#full
      : this.#hasCapacity && this.#waiting.length === 0;
    if (hasCapacity) {
      this.#bytes += bytes;
      return null;
    }
    return new Promise((admit) => {
      this.#waiting.push(namespace, { bytes, admit });
    });
  }

  /** Releases the capacity of an add, and admits waiting ones. */
  release(bytes: number): void {
    this.#bytes -= bytes;
    while (this.#hasCapacity) {
      const next = this.#waiting.shift();
      if (next === null) return;
      this.#bytes += next.bytes;
      next.admit();
    }
  }

  /**
   * Whether the limit is not reached yet. The add that reaches it may exceed it: otherwise an add
   * larger than the limit would wait forever.
   */
  get #hasCapacity(): boolean {
    return this.#bytes < this.#full;
  }
}
