import { auditQuerySchema, auditReplySchema } from '../../contract/http/auth.js';
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
    const { items, nextCursor } = await services.audit.list({
      namespace: query.namespace ?? principal.namespace,
      since: query.since === undefined ? undefined : parseSince(query.since),
      actor: query.actor,
      limit: query.limit ?? DEFAULT_LIMIT,
      cursor: query.cursor,
    });
    return json(200, { events: items, count: items.length, next_cursor: nextCursor });
  },
});
