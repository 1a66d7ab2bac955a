import { FairQueue } from '../src/fair-queue.js';

/**
 * Input of the jobs that are being added at once; with so much under way, more waits. Each is in
 * memory several times meanwhile: as the job's data, as JSON, and as a command.
 */
const FULL_BYTES = 64 << 20;
/** Jobs with less input wait only for twice as much: what most callers add is tiny. */
const SMALL_BYTES = 64 << 10;

/**
 * Bounds the memory that adding jobs takes, however many callers add large ones at the same time.
 * Namespaces that wait are served in turn.
 */
export class AddRoom {
  readonly #full: number;
  readonly #waiting = new FairQueue<{ bytes: number; enter: () => void }>();
  #bytes = 0;

  constructor(fullBytes = FULL_BYTES) {
    this.#full = fullBytes;
  }

  /** Takes room, to be left with `leave`: null when there is some at once, else a promise of it. */
  enter(namespace: string, bytes: number): Promise<void> | null {
    const isSmall = bytes <= SMALL_BYTES;
    const hasRoom = isSmall ? this.#bytes < 2 * this.#full : this.#hasRoom && this.#waiting.length === 0;
    if (hasRoom) {
      this.#bytes += bytes;
      return null;
    }
    return new Promise((enter) => {
      this.#waiting.push(namespace, { bytes, enter });
    });
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    while (this.#hasRoom) {
      const next = this.#waiting.take(() => true);
      if (next === null) return;
      this.#bytes += next.bytes;
      next.enter();
    }
  }

  /** The one that fills it may be larger than what is left: else a large one would wait for ever. */
  get #hasRoom(): boolean {
    return this.#bytes < this.#full;
  }
}
