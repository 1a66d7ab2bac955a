import { QUOTA_NAMES, type QuotaLimits } from '../../src/contract/quotas.js';
import type { Quotas } from '../../src/core/quotas.js';

/** Quotas that nothing passes but what is `given`. */
export function unboundedQuotas(given: Partial<QuotaLimits> = {}): Quotas {
  const unbounded = Object.fromEntries(QUOTA_NAMES.map((name) => [name, Number.MAX_SAFE_INTEGER])) as Record<
    string,
    number
  > as QuotaLimits;
  const limits = { ...unbounded, ...given };
  return {
    limits: async () => limits,
    peek: () => limits,
    set: async () => {},
    close: async () => {},
  };
}
