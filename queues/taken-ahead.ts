import type { Lane } from './jobs.js';

/** A job that has its hand for no longer than this came and went quickly. */
const QUICK_MS = 50;
/** Jobs with more input are not held many at a time. */
const MAX_BYTES = 64 << 10;
/** Who lets a process take fewer jobs than this at once means it. */
const LEAST_HANDS = 16;
/** So many times the hands. More of what callers wait for makes the turns of a busy process longer, for the calls of all. */
const TIMES_HANDS = { calls: 3, invocations: 6 } as const satisfies Record<Lane, number>;

/**
 * How many jobs of a lane a process takes: as many as it has hands, and several times as many while all are small, and come and go in
 * milliseconds. Of such jobs most of the time is the way to Redis and back, and the log's, which need no hand. Of slow ones it takes
 * none ahead, as those may find a hand in another process.
 */
export class TakenAhead {
  readonly #hands: number;
  readonly #atMost: number;
  readonly #take: (atOnce: number) => void;
  #quickInARow = 0;

  /** `take` is told whenever another number of jobs is to be taken at once. */
  constructor(lane: Lane, hands: number, take: (atOnce: number) => void) {
    this.#hands = hands;
    this.#atMost = TIMES_HANDS[lane] * hands;
    this.#take = take;
  }

  /** A job with so much input was taken. */
  taken(bytes: number): void {
    if (bytes > MAX_BYTES) this.#startAnew();
  }

  /** A job left its hand so long after that had taken it. */
  done(ms: number): void {
    if (ms > QUICK_MS) {
      this.#startAnew();
      return;
    }
    this.#quickInARow++;
    if (this.#quickInARow === this.#hands && this.#hands >= LEAST_HANDS) this.#take(this.#atMost);
  }

  #startAnew(): void {
    const before = this.#quickInARow;
    this.#quickInARow = 0;
    if (before >= this.#hands && this.#hands >= LEAST_HANDS) this.#take(this.#hands);
  }
}
