import { auditQuerySchema, auditReplySchema } from '../../contract/http/auth.js';
import type { AuditQuery } from '../../ports/store/audit.js';
import { parseSince } from '../request/since.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'audit'>();

const DEFAULT_LIMIT = 100;

export const readAudit = route({
  operationId: 'listAuditEvents',
  method: 'GET',
  path: '/v1/audit',
  tag: 'API keys',
  summary: 'List changes: deploys, deletes, secrets, keys and so on; with the admin key for any namespace',
  description:
    'Newest first; kept as long as logs. `request_id` is the X-Request-ID of the response to the change.',
  access: 'required',
  scope: 'keys',
  otherNamespaces: 'admin',
  query: auditQuerySchema,
  responses: { 200: { description: 'One page.', schema: auditReplySchema } },
  errors: ['forbidden'],
  async handle({ services, principal, query }) {
    const request: AuditQuery = {
      namespace: query.namespace ?? principal.namespace,
      limit: query.limit ?? DEFAULT_LIMIT,
    };
    if (query.since !== undefined) request.since = parseSince(query.since);
    if (query.actor !== undefined) request.actor = query.actor;
    if (query.cursor !== undefined) request.cursor = query.cursor;
    const { items, nextCursor } = await services.audit.list(request);
    return json(200, { events: items, count: items.length, next_cursor: nextCursor });
  },
});
