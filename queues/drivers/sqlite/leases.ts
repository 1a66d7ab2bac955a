import type { Lease, Leases } from '../../../src/ports/leases.js';

/** Counting leases for the single process of the embedded queue; they end with the process. */
export class LocalLeases implements Leases {
  readonly #held = new Map<string, number>();

  async acquire(key: string, limit: number): Promise<Lease | null> {
    const held = this.#held.get(key) ?? 0;
    if (held >= limit) return null;
    this.#held.set(key, held + 1);
    let released = false;
    return {
      release: async () => {
        if (released) return;
        released = true;
        const left = (this.#held.get(key) ?? 1) - 1;
        if (left === 0) this.#held.delete(key);
        else this.#held.set(key, left);
      },
    };
  }

  async held(key: string): Promise<number> {
    return this.#held.get(key) ?? 0;
  }

  async close(): Promise<void> {
    this.#held.clear();
  }
}
