import { LRUCache } from 'lru-cache';
import type { RequestId } from '../../src/contract/ids.js';
import type { Invocation } from '../../src/ports/queue.js';
import { BusyDelays } from './busy-delays.js';

const MAX_KEYS = 1000;
const MIN_DELAY_MS = { calls: 20, events: 100 };
/** How late a refused call may be before its place is given to an event, in milliseconds. */
const MAX_LATE_MS = 200;

type Job = Pick<Invocation, 'id' | 'replyTo'>;

/**
 * The jobs that are refused because as many of their function, or namespace, run as may: when each
 * is due again. Calls, whose caller waits, follow each other and not the events. Each keeps a place
 * from events until it begins: events are tried far more often, and would take nearly every place.
 */
export class BusyJobs {
  readonly #calls: BusyDelays;
  readonly #events: BusyDelays;
  /** The refused calls of each key, in the order in which they are due, by `performance.now()`. */
  readonly #waiting = new LRUCache<string, Map<RequestId, number>>({ max: MAX_KEYS });
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#calls = new BusyDelays(MIN_DELAY_MS.calls, now);
    this.#events = new BusyDelays(MIN_DELAY_MS.events, now);
  }

  /** Returns the delay of a refused job of the key, in milliseconds. */
  refuse(key: string, { id, replyTo }: Job): number {
    if (replyTo === undefined) return this.#events.refuse(key);
    const delay = this.#calls.refuse(key);
    const waiting = this.#waiting.get(key) ?? new Map<RequestId, number>();
    waiting.delete(id);
    waiting.set(id, this.#now() + delay);
    this.#waiting.set(key, waiting);
    return delay;
  }

  /** Counts a job of the key that begins. */
  begin(key: string, { id, replyTo }: Job): void {
    if (replyTo === undefined) this.#events.begin(key);
    else {
      this.#calls.begin(key);
      this.#waiting.get(key)?.delete(id);
    }
  }

  /** Returns how many places of the key are kept from the job. */
  reservedFrom(key: string, { replyTo }: Job): number {
    if (this.#waiting.size === 0 || replyTo !== undefined) return 0;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return 0;
    const oldest = this.#now() - MAX_LATE_MS;
    for (const [id, dueAt] of waiting) {
      if (dueAt >= oldest) break;
      waiting.delete(id);
    }
    if (waiting.size === 0) this.#waiting.delete(key);
    return waiting.size;
  }
}
