import { CountByKey } from './count-by-key.js';
import { FairQueue } from './fair-queue.js';

export interface FairLimits {
  /** The number of operations of one owner that run at once. */
  each: number;
  /** The number of operations of all owners that run at once. */
  all: number;
}

/**
 * Limits how many operations run at once, since each of them holds memory or sockets. Further ones
 * wait, first in first out for each owner; waiting owners are served in turn.
 */
export class FairLimiter {
  readonly #limits: FairLimits;
  readonly #running = new CountByKey();
  readonly #waiting = new FairQueue<{ owner: string; begin: () => void }>();
  #all = 0;

  constructor(limits: FairLimits) {
    this.#limits = limits;
  }

  async run<T>(owner: string, operation: () => Promise<T>): Promise<T> {
    if (this.#mayRun(owner)) this.#begin(owner);
    else await new Promise<void>((begin) => this.#waiting.push(owner, { owner, begin }));
    try {
      return await operation();
    } finally {
      this.#end(owner);
    }
  }

  #mayRun(owner: string): boolean {
    return this.#all < this.#limits.all && this.#running.get(owner) < this.#limits.each;
  }

  #begin(owner: string): void {
    this.#all += 1;
    this.#running.increment(owner);
  }

  #end(owner: string): void {
    this.#all -= 1;
    this.#running.decrement(owner);
    for (;;) {
      const next = this.#waiting.take((waiting) => this.#mayRun(waiting.owner));
      if (next === null) return;
      this.#begin(next.owner);
      next.begin();
    }
  }
}
