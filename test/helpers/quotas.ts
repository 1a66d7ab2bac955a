import { QUOTA_NAMES, type QuotaLimits } from '../../src/contract/quotas.js';
import type { Quotas } from '../../src/core/quotas.js';

/** Quotas that nothing passes, for what is not about them. */
export function unboundedQuotas(): Quotas {
  const limits = Object.fromEntries(QUOTA_NAMES.map((name) => [name, Number.MAX_SAFE_INTEGER])) as Record<
    string,
    number
  > as QuotaLimits;
  return {
    limits: async () => limits,
    set: async () => {},
    close: async () => {},
  };
}
