import { functionPath } from '../../contract/http/common.js';
import {
  DEFAULT_LOG_LIMIT,
  logsHeadersSchema,
  logsQuerySchema,
  logsReplySchema,
} from '../../contract/http/logs.js';
import type { FollowRequest } from '../../core/observability/logs.js';
import { JsonText, stringifyWith } from '../../json/json-text.js';
import { parseSince } from '../request/since.js';
import { eventStream, type StreamUses } from '../response/event-stream.js';
import { streamLogs } from '../response/log-stream.js';
import { jsonText, routeUsing } from '../route.js';

const route = routeUsing<StreamUses | 'catalog' | 'logs'>();

export const readLogs = route({
  operationId: 'listLogs',
  method: 'GET',
  path: '/v1/functions/{name}/logs',
  tag: 'Logs',
  summary: 'Read the log of a function: one record per attempt, newest first',
  description:
    'Records are kept when the function is deleted. With `follow=true`: server-sent events with one ' +
    'record each, oldest first. The stream begins now, or with the newest `limit` records or those ' +
    '`since` a time; `Last-Event-ID` resumes it.',
  access: 'required',
  scope: 'read',
  list: true,
  params: functionPath,
  query: logsQuerySchema,
  headers: logsHeadersSchema,
  responses: {
    200: {
      description: 'Records, newest first.',
      schema: logsReplySchema,
      types: {
        'text/event-stream': 'With `follow=true`: `id:` is a position, `data:` is one record as JSON.',
      },
    },
  },
  errors: ['function_not_found'],
  async handle(call) {
    const { services, namespace, params, query, headers, ctx } = call;
    const filter: Omit<FollowRequest, 'signal' | 'after'> = { namespace, function: params.name };
    if (query.since !== undefined) filter.since = parseSince(query.since);
    if (query.status !== undefined) filter.status = query.status;
    if (query.request_id !== undefined) filter.requestId = query.request_id;
    const limit = query.limit ?? DEFAULT_LOG_LIMIT;

    if (query.follow && ctx.method === 'GET') {
      await services.catalog.assertKnown(namespace, params.name);
      const isPast = query.limit !== undefined || query.since !== undefined;
      const after = headers['last-event-id'] || undefined;
      return eventStream(call, (write, signal) =>
        streamLogs(services.logs, write, {
          ...filter,
          past: isPast && after === undefined ? limit : 0,
          signal,
          ...(after === undefined ? {} : { after }),
        }),
      );
    }
    const logs = await services.logs.read({ ...filter, limit });
    if (logs.records.length === 0) await services.catalog.assertKnown(namespace, params.name);
    const list = new JsonText(`[${logs.records.map(stringifyWith).join(',')}]`);
    const page = { name: params.name, namespace, logs: list, count: logs.records.length };
    return jsonText(200, stringifyWith(page));
  },
});
