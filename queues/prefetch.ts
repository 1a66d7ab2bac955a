import type { QueueKind } from './queue-names.js';

/** A job that held its slot for at most this long is short. */
const SHORT_JOB_MS = 50;
/**
 * Jobs with more input are not prefetched, because many of them would fill the memory of the
 * process.
 */
const MAX_BYTES = 64 << 10;
/** Processes with fewer slots do not prefetch: they are meant to hold few jobs. */
const MIN_SLOTS = 16;
/**
 * The number of jobs to fetch, as a multiple of the slots. A higher factor for sync jobs increases
 * every caller's latency.
 */
const PREFETCH_FACTOR = { sync: 3, async: 6 } as const satisfies Record<QueueKind, number>;

/**
 * Decides how many jobs of a queue this process fetches: as many as it has slots, or
 * `PREFETCH_FACTOR` times as many while all jobs are small and short. A short job spends most of
 * its time in the round trip to the store and in its log write, neither of which needs a slot. Long
 * jobs are not prefetched, because another process may have a slot for them.
 */
export class Prefetch {
  readonly #slots: number;
  readonly #raisedLimit: number;
  readonly #onChange: () => void;
  #current: number;
  #shortInARow = 0;

  /** @param onChange Called when `limit` has changed. */
  constructor(kind: QueueKind, slots: number, onChange: () => void) {
    this.#slots = slots;
    this.#current = slots;
    this.#raisedLimit = PREFETCH_FACTOR[kind] * slots;
    this.#onChange = onChange;
  }

  /** The current number of jobs to fetch. */
  get limit(): number {
    return this.#current;
  }

  /** Records a fetched job by its input size in bytes. */
  recordFetch(bytes: number): void {
    if (bytes > MAX_BYTES) this.#reset();
  }

  /** Records how long a job held its slot, in milliseconds. */
  recordEnd(ms: number): void {
    if (ms > SHORT_JOB_MS) {
      this.#reset();
      return;
    }
    this.#shortInARow++;
    if (this.#shortInARow === this.#slots && this.#slots >= MIN_SLOTS) this.#change(this.#raisedLimit);
  }

  #reset(): void {
    const before = this.#shortInARow;
    this.#shortInARow = 0;
    if (before >= this.#slots && this.#slots >= MIN_SLOTS) this.#change(this.#slots);
  }

  #change(jobs: number): void {
    this.#current = jobs;
    this.#onChange();
  }
}
