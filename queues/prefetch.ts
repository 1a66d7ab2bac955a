import type { QueueKind } from './jobs.js';

/** A job that held its slot for no longer than this is short. */
const SHORT_JOB_MS = 50;
/** Jobs with more input are not prefetched: many of them would fill the process's memory. */
const MAX_BYTES = 64 << 10;
/** A process configured for fewer slots is meant to hold few jobs. */
const MIN_SLOTS = 16;
/**
 * Jobs fetched at once, as a multiple of the slots. A higher factor for sync jobs lengthens every
 * caller's wait.
 */
const PREFETCH_FACTOR = { sync: 3, async: 6 } as const satisfies Record<QueueKind, number>;

/**
 * Decides how many jobs of a queue this process fetches: as many as it has slots, and
 * `PREFETCH_FACTOR` times as many while all jobs are small and short. Most of a short job's time is
 * the round trip to the store and its log write, which need no slot. Long jobs are not prefetched,
 * as another process may have a slot for them.
 */
export class Prefetch {
  readonly #slots: number;
  readonly #limit: number;
  readonly #setLimit: (jobs: number) => void;
  #current: number;
  #shortInARow = 0;

  /** `setLimit` is called whenever the number of jobs to fetch changes. */
  constructor(kind: QueueKind, slots: number, setLimit: (jobs: number) => void) {
    this.#slots = slots;
    this.#current = slots;
    this.#limit = PREFETCH_FACTOR[kind] * slots;
    this.#setLimit = setLimit;
  }

  /** Jobs fetched at once now. */
  get limit(): number {
    return this.#current;
  }

  /** Records a fetched job by the size of its input. */
  recordFetch(bytes: number): void {
    if (bytes > MAX_BYTES) this.#reset();
  }

  /** Records how long a job held its slot. */
  recordEnd(ms: number): void {
    if (ms > SHORT_JOB_MS) {
      this.#reset();
      return;
    }
    this.#shortInARow++;
    if (this.#shortInARow === this.#slots && this.#slots >= MIN_SLOTS) this.#change(this.#limit);
  }

  #reset(): void {
    const before = this.#shortInARow;
    this.#shortInARow = 0;
    if (before >= this.#slots && this.#slots >= MIN_SLOTS) this.#change(this.#slots);
  }

  #change(jobs: number): void {
    this.#current = jobs;
    this.#setLimit(jobs);
  }
}
