import { CountByKey } from '../../src/concurrency/count-by-key.js';
import type { Namespace } from '../../src/contract/ids.js';
import { quotaExceeded } from '../../src/contract/quotas.js';
import type { Quotas } from '../../src/core/quotas.js';

/** Thrown when a namespace has as many guests as it may have; nothing was run. */
export class GuestLimitReached extends Error {
  constructor(namespace: Namespace, limit: number, used: number) {
    super(quotaExceeded('concurrent_guests', { namespace, limit, used }).message);
  }
}

/**
 * Enforces the quota `concurrent_guests`: the number of guests of a namespace that run in this
 * process at once.
 */
export class GuestLimit {
  readonly #quotas: Quotas;
  readonly #running = new CountByKey();

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /**
   * Runs a guest of the namespace. Rejects with GuestLimitReached when the namespace has reached
   * its limit, less the places that are reserved for others. A guest counts until it has ended, not
   * until its log row is durable.
   */
  async run<T>(namespace: Namespace, reserved: number, guest: () => Promise<T>): Promise<T> {
    const { concurrent_guests: limit } = await this.#quotas.limits(namespace);
    const running = this.#running.get(namespace);
    if (running >= limit - reserved) throw new GuestLimitReached(namespace, limit, running);
    this.#running.increment(namespace);
    try {
      return await guest();
    } finally {
      this.#running.decrement(namespace);
    }
  }
}
