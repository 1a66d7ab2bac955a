/** The longest that a timer can be set for. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * One timer for what is due at many times: it is set for the earliest. Most of what it is for has ended by then, so setting and
 * clearing a timer for each would be work for nothing.
 */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | null = null;
  #at = Number.POSITIVE_INFINITY;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Rings at this time (milliseconds since 1970) or before. Who is rung for too early sets it again. */
  setFor(at: number): void {
    if (at >= this.#at) return;
    this.clear();
    this.#at = at;
    const delay = Math.min(Math.max(at - Date.now(), 1), MAX_DELAY_MS);
    this.#timer = setTimeout(() => {
      this.clear();
      this.#ring();
    }, delay);
    // What it was set for may be over long since.
    this.#timer.unref();
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#at = Number.POSITIVE_INFINITY;
  }
}
