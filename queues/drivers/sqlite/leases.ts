import { CountByKey } from '../../../src/concurrency/count-by-key.js';
import type { Lease, Leases } from '../../../src/ports/leases.js';

/** Counting leases for the single process of the embedded queue; they end with the process. */
export class LocalLeases implements Leases {
  readonly #held = new CountByKey();

  async acquire(key: string, limit: number): Promise<Lease | null> {
    if (this.#held.get(key) >= limit) return null;
    this.#held.increment(key);
    let released = false;
    return {
      release: async () => {
        if (released) return;
        released = true;
        this.#held.decrement(key);
      },
    };
  }

  async held(key: string): Promise<number> {
    return this.#held.get(key);
  }

  async close(): Promise<void> {
    this.#held.clear();
  }
}
