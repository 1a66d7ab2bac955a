import { statsQuerySchema, statsReplySchema, windowMinutes } from '../../contract/http/stats.js';
import { assertFunction } from '../../core/auth/rights.js';
import type { StatsRequest } from '../../core/observability/stats.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'catalog' | 'stats'>();

const DEFAULT_WINDOW = '1h';
const MINUTE_MS = 60_000;

export const readStats = route({
  operationId: 'getStats',
  method: 'GET',
  path: '/v1/stats',
  tag: 'Delivery',
  summary: 'Count the ended invocations of each minute by state, and the current jobs on the queue',
  description:
    'One entry per minute of the window, oldest first, by the minute in which an invocation was ' +
    'accepted. Percentiles are exact up to 10,000 invocations in the window, and computed from a random ' +
    'sample above. For a key that is limited to some functions, the entries count only these. `now` ' +
    'covers the whole namespace.',
  access: 'required',
  scope: 'read',
  query: statsQuerySchema,
  responses: { 200: { description: 'The counts.', schema: statsReplySchema } },
  errors: ['function_not_found', 'unavailable'],
  async handle({ services, principal, namespace, query }) {
    const windowMs = windowMinutes(query.window ?? DEFAULT_WINDOW) * MINUTE_MS;
    const request: StatsRequest = { namespace, windowMs };
    if (query.function !== undefined) {
      assertFunction(principal, 'read', query.function);
      await services.catalog.assertKnown(namespace, query.function);
      request.function = query.function;
    }
    if (principal.rights.functions !== null) request.functions = principal.rights.functions;
    return json(200, await services.stats.read(request));
  },
});
