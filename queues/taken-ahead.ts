/** A job that is taken and done within this long came and went quickly. */
const QUICK_MS = 50;
/** Jobs with more input are not held many at a time. */
const MAX_BYTES = 64 << 10;
/** Who lets a process take fewer jobs than this at once means it. */
const LEAST_HANDS = 16;
const TIMES = 4;

/**
 * How many events a process takes: as many as it has hands, and four times as many while all are small, and come and go in
 * milliseconds. Of such jobs most of the time is the way to Redis and back, and the log's, which need no hand. Of slow ones it takes
 * none ahead, as those may find a hand in another process.
 */
export class TakenAhead {
  readonly #hands: number;
  readonly #take: (atOnce: number) => void;
  #quickInARow = 0;

  /** `take` is told whenever another number of events is to be taken at once. */
  constructor(hands: number, take: (atOnce: number) => void) {
    this.#hands = hands;
    this.#take = take;
  }

  /** An event with so much input was taken. */
  taken(bytes: number): void {
    if (bytes > MAX_BYTES) this.#startAnew();
  }

  /** An event was done so long after a hand had taken it. */
  done(ms: number): void {
    if (ms > QUICK_MS) {
      this.#startAnew();
      return;
    }
    this.#quickInARow++;
    if (this.#quickInARow === this.#hands && this.#hands >= LEAST_HANDS) this.#take(TIMES * this.#hands);
  }

  #startAnew(): void {
    const before = this.#quickInARow;
    this.#quickInARow = 0;
    if (before >= this.#hands && this.#hands >= LEAST_HANDS) this.#take(this.#hands);
  }
}
