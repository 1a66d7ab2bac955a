/** A job that is taken and done within this long came and went quickly. */
const QUICK_MS = 50;
/** Who lets a process take fewer jobs than this at once means it. */
const LEAST_HANDS = 16;

/**
 * How many events a process takes: as many as it has hands, and as many again, to wait for a hand, while all come and go in
 * milliseconds. Of such jobs most of the time is the way to Redis and back, and the log's: with the next ones there already a fifth more are
 * done. Of slow ones it takes none ahead, as those may find a hand in another process.
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

  /** An event was done so long after a hand had taken it. */
  done(ms: number): void {
    if (this.#hands < LEAST_HANDS) return;
    const before = this.#quickInARow;
    this.#quickInARow = ms <= QUICK_MS ? before + 1 : 0;
    if (this.#quickInARow === this.#hands) this.#take(2 * this.#hands);
    else if (this.#quickInARow === 0 && before >= this.#hands) this.#take(this.#hands);
  }
}
