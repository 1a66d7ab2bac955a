import { namespacePath, putQuotasBodySchema, usageReplySchema } from '../../contract/http/namespaces.js';
import type { Namespace } from '../../contract/ids.js';
import type { QuotaName } from '../../contract/quotas.js';
import { auditEntry } from '../../core/auth/audit.js';
import type { Principal } from '../../core/auth/principal.js';
import { usageOf } from '../../core/quotas.js';
import { AppError } from '../../errors.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'audit' | 'quotas' | 'usage'>();

const tag = 'Namespaces';

export const getUsage = route({
  operationId: 'getUsage',
  method: 'GET',
  path: '/v1/namespaces/{ns}/usage',
  tag,
  summary: 'Show the quota usage of a namespace; with the admin key of any',
  description:
    'Sizes are in MB; `database_mb` is the size of the files, and 0 on RQLite. `jobs_per_invocation` has no usage, as it applies to each invocation separately.',
  access: 'required',
  scope: 'read',
  otherNamespaces: 'admin',
  params: namespacePath,
  responses: { 200: { description: 'Limit and usage of every quota.', schema: usageReplySchema } },
  errors: ['forbidden', 'unavailable'],
  async handle({ services, principal, params }) {
    assertMaySee(principal, params.ns);
    return json(200, { quotas: await usageOf(services.quotas, services.usage, params.ns) });
  },
});

export const putQuotas = route({
  operationId: 'putQuotas',
  method: 'PUT',
  path: '/v1/namespaces/{ns}/quotas',
  tag,
  summary: 'Set quotas of a namespace; null restores the default (admin key only)',
  access: 'required',
  scope: 'keys',
  otherNamespaces: 'admin',
  params: namespacePath,
  body: { kind: 'json', schema: putQuotasBodySchema, example: { waiting_jobs: 1000, cache_mb: null } },
  responses: {
    200: { description: 'The resulting limit and usage of every quota.', schema: usageReplySchema },
  },
  errors: ['forbidden', 'unavailable'],
  async handle({ services, principal, actor, params, body }) {
    if (!principal.isAdmin) {
      throw new AppError('forbidden', 'Only the admin key can set quotas; ask the operator of this engine.');
    }
    const changes: Partial<Record<QuotaName, number | null>> = {};
    for (const [name, limit] of Object.entries(body)) {
      if (limit !== undefined) changes[name as QuotaName] = limit;
    }
    await services.quotas.set(params.ns, changes);
    const names = Object.keys(changes).join(', ');
    await services.audit.record(auditEntry(actor(), 'quota.set', names, params.ns));
    return json(200, { quotas: await usageOf(services.quotas, services.usage, params.ns) });
  },
});

function assertMaySee(principal: Principal, namespace: Namespace): void {
  if (principal.isAdmin || principal.namespace === namespace) return;
  throw new AppError(
    'forbidden',
    `This credential belongs to namespace "${principal.namespace}" and cannot see the usage of "${namespace}".`,
  );
}
