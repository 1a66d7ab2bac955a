import type { Closable } from '../src/ports/closable.js';
import { perLane } from './fairness.js';
import { LANES, type Lane } from './jobs.js';
import { Line } from './line.js';

/** For calls that come while events have all hands there is one more to so many. */
const HANDS_TO_A_FURTHER = 4;
/** Events in hand at least, however slow this process is: they go on. */
const LEAST = 2;
/** For so long after a call, events give way to the next one. */
const GIVE_WAY_MS = 1000;
const LOOK_EVERY_MS = 20;
/** This process turned to its timer so much too late: that long a call would have to wait at every step. */
const LATE_MS = 0.75;

/**
 * The jobs that a process has in hand at once. Calls go first, and have a few hands more when events have all. While calls come
 * in, events get fewer as long as they keep this process from turning to things at once, and more when they do not: events
 * that wait for a server cost nothing and keep their hands, those that come and go in a millisecond give way.
 */
export class Hands implements Closable {
  readonly #total: number;
  readonly #further: number;
  readonly #inHand = { calls: 0, invocations: 0 };
  readonly #waiting: Readonly<Record<Lane, Line<() => void>>> = perLane(() => new Line());
  #eventLimit: number;
  #calledAt = 0;
  #look: NodeJS.Timeout | undefined;

  constructor(total: number) {
    this.#total = total;
    this.#further = Math.ceil(total / HANDS_TO_A_FURTHER);
    this.#eventLimit = total;
  }

  /** A hand for a job of the lane, to be given back: null when there is one at once, else a promise of it. Namespaces get theirs in turn. */
  take(lane: Lane, namespace: string): Promise<void> | null {
    if (lane === 'calls') this.#called();
    if (this.#waiting[lane].isEmpty && this.#hasHandFor(lane)) {
      this.#inHand[lane]++;
      return null;
    }
    return new Promise((resolve) => {
      this.#waiting[lane].join(namespace, resolve);
    });
  }

  /** Calls have come in the last second: then an event keeps its hand until it has left, or those that have ended would crowd out calls. */
  get eventsGiveWay(): boolean {
    return this.#look !== undefined;
  }

  giveBack(lane: Lane): void {
    this.#inHand[lane]--;
    this.#give();
  }

  async close(): Promise<void> {
    clearInterval(this.#look);
  }

  #give(): void {
    for (const lane of LANES) {
      while (!this.#waiting[lane].isEmpty && this.#hasHandFor(lane)) {
        this.#inHand[lane]++;
        this.#waiting[lane].next()?.();
      }
    }
  }

  #hasHandFor(lane: Lane): boolean {
    const { calls, invocations: events } = this.#inHand;
    if (lane === 'calls') return calls < this.#total && calls + events < this.#total + this.#further;
    return events < this.#eventLimit && calls + events < this.#total;
  }

  #called(): void {
    this.#calledAt = performance.now();
    if (this.#look !== undefined) return;
    let expected = this.#calledAt + LOOK_EVERY_MS;
    this.#look = setInterval(() => {
      const now = performance.now();
      this.#adjust(now, now - expected);
      expected = now + LOOK_EVERY_MS;
    }, LOOK_EVERY_MS);
    this.#look.unref();
  }

  #adjust(now: number, lateMs: number): void {
    if (now - this.#calledAt > GIVE_WAY_MS) {
      clearInterval(this.#look);
      this.#look = undefined;
      this.#eventLimit = this.#total;
    } else if (lateMs > LATE_MS) {
      this.#eventLimit = Math.max(Math.min(LEAST, this.#total), Math.floor(this.#eventLimit * 0.7));
    } else this.#eventLimit = Math.min(this.#total, this.#eventLimit + 1);
    this.#give();
  }
}
