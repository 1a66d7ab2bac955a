import type { Namespace } from '../../src/contract/ids.js';
import type { Quotas } from '../../src/core/quotas.js';

/**
 * Enforces the quota `concurrent_guests`: the number of guests of a namespace that run in this
 * process at once.
 */
export class GuestLimit {
  readonly #quotas: Quotas;
  readonly #running = new Map<Namespace, number>();

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /**
   * Runs a guest of the namespace. Resolves with null when the namespace has reached its limit. A
   * guest counts until it has ended, not until its log row is durable.
   */
  async run<T>(namespace: Namespace, guest: () => Promise<T>): Promise<T | null> {
    const { concurrent_guests: limit } = await this.#quotas.limits(namespace);
    const running = this.#running.get(namespace) ?? 0;
    if (running >= limit) return null;
    this.#running.set(namespace, running + 1);
    try {
      return await guest();
    } finally {
      this.#leave(namespace);
    }
  }

  #leave(namespace: Namespace): void {
    const left = (this.#running.get(namespace) ?? 1) - 1;
    if (left === 0) this.#running.delete(namespace);
    else this.#running.set(namespace, left);
  }
}
