import type { Namespace } from '../../contract/ids.js';
import { quotaExceeded } from '../../contract/quotas.js';

/**
 * The number of jobs that one attempt of an invocation may still cause by publishing and
 * enqueueing: quota `jobs_per_invocation`.
 */
export class JobBudget {
  readonly #namespace: Namespace;
  readonly #limit: number;
  #used = 0;

  constructor(namespace: Namespace, limit: number) {
    this.#namespace = namespace;
    this.#limit = limit;
  }

  /**
   * Takes `jobs` from the budget. Throws `quota_exceeded`, without taking any, if they exceed it.
   */
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

  /** Refunds jobs that the queue has refused. */
  refund(jobs: number): void {
    this.#used -= jobs;
  }
}
