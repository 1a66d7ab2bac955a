import { LRUCache } from 'lru-cache';

/** A key that is not refused for long may be dropped: its next job then begins anew. */
const MAX_KEYS = 1000;
/** How many jobs a key gets back in a second if none of them begins. */
const MIN_RATE = 200;
/** The time over which beginning jobs are counted, in milliseconds. */
const WINDOW_MS = 1000;

interface Busy {
  /** When the last job that was refused is due again, by `performance.now()`. */
  lastDueAt: number;
  windowSince: number;
  /** The jobs that have begun in this window, and in the one before. */
  begun: number;
  begunBefore: number;
}

/**
 * The delays of jobs that are refused because as many of their kind run as may. They become due one
 * after the other, at twice the rate at which such jobs begin: if all came back after the same
 * delay, the worker would do nothing but refuse them, and other jobs of their namespace, which they
 * precede, would not run.
 */
export class BusyDelays {
  readonly #busy = new LRUCache<string, Busy>({ max: MAX_KEYS });
  readonly #minDelayMs: number;
  readonly #now: () => number;

  constructor(minDelayMs: number, now: () => number) {
    this.#minDelayMs = minDelayMs;
    this.#now = now;
  }

  /** Returns the delay of a refused job of the key, in milliseconds. */
  refuse(key: string): number {
    const now = this.#now();
    const busy = this.#current(key, now);
    const rate = Math.max(MIN_RATE, 2 * Math.max(busy.begun, busy.begunBefore));
    busy.lastDueAt = Math.max(now + this.#minDelayMs, busy.lastDueAt + 1000 / rate);
    return busy.lastDueAt - now;
  }

  /** Counts a job of the key that begins. */
  begin(key: string): void {
    if (this.#busy.size === 0) return;
    const busy = this.#busy.get(key);
    if (busy === undefined) return;
    const now = this.#now();
    // Nothing has been refused for a while, and all that was is due.
    if (busy.lastDueAt < now - WINDOW_MS) this.#busy.delete(key);
    else this.#turn(busy, now).begun++;
  }

  #current(key: string, now: number): Busy {
    const found = this.#busy.get(key);
    if (found !== undefined) return this.#turn(found, now);
    const busy = { lastDueAt: now, windowSince: now, begun: 0, begunBefore: 0 };
    this.#busy.set(key, busy);
    return busy;
  }

  /** Begins a new window if the current one has passed. */
  #turn(busy: Busy, now: number): Busy {
    const age = now - busy.windowSince;
    if (age < WINDOW_MS) return busy;
    busy.begunBefore = age < 2 * WINDOW_MS ? busy.begun : 0;
    busy.begun = 0;
    busy.windowSince = now;
    return busy;
  }
}
