import { setTimeout as sleep } from 'node:timers/promises';
import { FairLimiter } from '../concurrency/fair-limiter.js';

/** The pause after a text, as a multiple of the time that it took, and its limit. */
const PAUSE = 4;
const MAX_PAUSE_MS = 5000;

interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

const REAL_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms, undefined, { ref: false }),
};

/**
 * Makes the texts of `/metrics` one at a time with a pause after each, because a text of thousands
 * of series takes long and blocks the thread: however often they are requested, other requests get
 * most of the time. What a text waits for before, the reads from servers, does not lengthen the
 * pause, as the figures of a busy engine would otherwise be seconds old. Requests of one key that
 * wait share the next text, which is newer than all of them. Namespaces are served in turn, however
 * many keys they have.
 */
export class MetricsTexts {
  readonly #limiter = new FairLimiter({ each: 1, all: 1 });
  readonly #waiting = new Map<string, Promise<string>>();
  readonly #clock: Clock;

  constructor(clock = REAL_CLOCK) {
    this.#clock = clock;
  }

  /**
   * @param owner The namespace of the key, empty for the metrics of all.
   * @param key What the text contains; unique among all owners.
   * @param read Reads from servers what the text is made of.
   */
  get<T>(
    owner: string,
    key: string,
    read: () => Promise<T>,
    make: (values: T) => Promise<string>,
  ): Promise<string> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return waiting;
    const next = new Promise<string>((resolve, reject) => {
      void this.#limiter.run(owner, async () => {
        // Begin after `next` has been stored.
        await null;
        // A text that has begun is too old for later requests.
        this.#waiting.delete(key);
        let since = this.#clock.now();
        const made = read().then((values) => {
          since = this.#clock.now();
          return make(values);
        });
        await made.then(resolve, reject);
        const pause = Math.min(PAUSE * (this.#clock.now() - since), MAX_PAUSE_MS);
        await this.#clock.sleep(pause);
      });
    });
    this.#waiting.set(key, next);
    return next;
  }
}
