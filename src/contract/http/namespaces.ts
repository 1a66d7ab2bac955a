import * as z from 'zod';
import { whole } from '../function.js';
import { namespaceSchema } from '../ids.js';
import { MAX_QUOTA, QUOTA_NAMES, type QuotaName } from '../quotas.js';

export const namespacePath = z.object({ ns: namespaceSchema });

function perQuota<S extends z.ZodType>(schema: S): Record<QuotaName, S> {
  return Object.fromEntries(QUOTA_NAMES.map((name) => [name, schema])) as Record<QuotaName, S>;
}

/** In the unit of the quota: MB for names that end in `_mb` or contain `_mb_`. */
export const usageReplySchema = z.object({
  quotas: z.object(perQuota(z.object({ limit: z.number(), used: z.number() }))),
});

export const putQuotasBodySchema = z.strictObject(
  perQuota(whole(0, MAX_QUOTA).nullable().optional().describe('null restores the default.')),
);
