import type { Namespace } from '../contract/ids.js';
import { quotaExceeded } from '../contract/quotas.js';

/**
 * The jobs that one attempt of an invocation may still cause, by what it publishes and enqueues:
 * quota `jobs_per_invocation`.
 */
export class JobBudget {
  readonly #namespace: Namespace;
  readonly #limit: number;
  #used = 0;

  constructor(namespace: Namespace, limit: number) {
    this.#namespace = namespace;
    this.#limit = limit;
  }

  /** Counts so many more; throws `quota_exceeded` and counts none when they would be too many. */
  take(jobs: number): void {
    if (this.#used + jobs > this.#limit) {
      throw quotaExceeded('jobs_per_invocation', {
        namespace: this.#namespace,
        limit: this.#limit,
        used: this.#used,
      });
    }
    this.#used += jobs;
  }

  /** For jobs that the queue did not take after all. */
  giveBack(jobs: number): void {
    this.#used -= jobs;
  }
}
