import { invocationPath } from '../../contract/http/common.js';
import {
  cancelReplySchema,
  DEFAULT_INVOCATION_LIMIT,
  invocationQuerySchema,
  invocationsQuerySchema,
  invocationsReplySchema,
  traceQuerySchema,
} from '../../contract/http/invocations.js';
import type { Namespace, RequestId } from '../../contract/ids.js';
import { invocationRecordSchema } from '../../contract/invocation.js';
import { isLiveState } from '../../contract/invocation-state.js';
import { traceSchema } from '../../contract/trace.js';
import { assertFunction } from '../../core/auth/rights.js';
import type { InvocationPage, ListRequest } from '../../core/invocations/invocation-pages.js';
import { logChannel, logNoticeNames } from '../../core/observability/logs.js';
import { pollOnMessage } from '../../core/poll-on-message.js';
import { AppError } from '../../errors.js';
import { parseSince } from '../request/since.js';
import { eventStream, type StreamUses, writeChanges } from '../response/event-stream.js';
import type { InvocationEvent } from '../response/large-replies.js';
import { streamEvent } from '../response/stream-event.js';
import { json, routeUsing } from '../route.js';
import type { Services } from '../services.js';

const route = routeUsing<StreamUses | 'bus' | 'catalog' | 'invocations' | 'traces'>();

const tag = 'Delivery';

/** Minimum interval between updates of a stream, regardless of the number of invocations. */
const MIN_POLL_MS = 2000;
const MAX_POLL_MS = 2500;

export const getInvocation = route({
  operationId: 'getInvocation',
  method: 'GET',
  path: '/v1/invocations/{id}',
  tag,
  summary: 'Show an invocation: its state, attempts and, while kept, its input and output',
  access: 'required',
  scope: 'read',
  params: invocationPath,
  query: invocationQuerySchema,
  responses: {
    200: {
      description: 'The invocation.',
      schema: invocationRecordSchema,
      types: {
        'text/event-stream':
          'With `follow=true`: each `data:` is the record as JSON. The stream ends when the invocation has ended.',
      },
    },
  },
  errors: ['not_found'],
  async handle(call) {
    const { services, principal, namespace, params, query, ctx, largeReplies } = call;
    if (!query.follow || ctx.method !== 'GET') {
      const found = await services.invocations.get(namespace, params.id);
      assertFunction(principal, 'read', found.function);
      return json(200, found);
    }
    const read = () =>
      largeReplies.event(namespace, params.id, async () => {
        const found = await services.invocations.get(namespace, params.id);
        return { ...streamEvent(found, !isLiveState(found.state)), function: found.function };
      });
    let first: InvocationEvent | null = await read();
    const { function: name } = first;
    assertFunction(principal, 'read', name);
    const firstThenRead = async () => {
      const event = first ?? (await read());
      first = null;
      return event;
    };
    const isNews = (message: string) => logNoticeNames(name, message);
    return eventStream(call, (write, signal) =>
      writeChanges(write, invocationPolls(services, namespace, signal, isNews), firstThenRead),
    );
  },
});

export const getInvocationTrace = route({
  operationId: 'getInvocationTrace',
  method: 'GET',
  path: '/v1/invocations/{id}/trace',
  tag,
  summary: 'Show the host calls of an invocation whose function has `trace: true`',
  description:
    'Default: the last attempt. Contains the calls and their results, without the values of secrets. ' +
    'Kept as long as logs. Requires the scope `deploy`, since it contains what the function has read.',
  access: 'required',
  scope: 'deploy',
  params: invocationPath,
  query: traceQuerySchema,
  responses: { 200: { description: 'The trace.', schema: traceSchema } },
  errors: ['not_found'],
  async handle({ services, principal, namespace, params, query }) {
    const found = await services.traces.get(namespace, params.id, query.attempt);
    if (found === null) throw noTrace(params.id);
    assertFunction(principal, 'deploy', found.function);
    return json(200, found.trace);
  },
});

function noTrace(id: RequestId): AppError {
  return new AppError(
    'not_found',
    `There is no trace of the invocation ${id}; functions with "trace: true" are traced, and traces are kept as long as logs.`,
  );
}

export const listInvocations = route({
  operationId: 'listInvocations',
  method: 'GET',
  path: '/v1/invocations',
  tag,
  summary: 'List invocations: live ones first, then ended ones, newest first',
  access: 'required',
  scope: 'read',
  list: true,
  query: invocationsQuerySchema,
  responses: {
    200: {
      description: 'One page.',
      schema: invocationsReplySchema,
      types: {
        'text/event-stream':
          'With `follow=true`: each `data:` is the first page as JSON, without inputs and outputs, at most every 2 seconds.',
      },
    },
  },
  errors: ['function_not_found'],
  async handle(call) {
    const { services, principal, namespace, query, ctx, largeReplies } = call;
    const request: ListRequest = { namespace, limit: query.limit ?? DEFAULT_INVOCATION_LIMIT };
    if (query.function !== undefined) {
      assertFunction(principal, 'read', query.function);
      request.function = query.function;
    }
    if (principal.rights.functions !== null) request.functions = principal.rights.functions;
    if (query.status !== undefined) request.state = query.status;
    if (query.reason !== undefined) request.reason = query.reason;
    if (query.parent_id !== undefined) request.parentId = query.parent_id;
    if (query.message_id !== undefined) request.messageId = query.message_id;
    if (query.since !== undefined) request.since = parseSince(query.since);
    if (query.before !== undefined) request.before = parseSince(query.before);
    if (query.cursor !== undefined) request.cursor = query.cursor;
    if (query.follow && ctx.method === 'GET') {
      if (query.function !== undefined) await services.catalog.assertKnown(namespace, query.function);
      const isNews = (message: string) =>
        query.function === undefined || logNoticeNames(query.function, message);
      return eventStream(call, (write, signal) =>
        writeChanges(write, invocationPolls(services, namespace, signal, isNews), () =>
          largeReplies.list(namespace, async () =>
            streamEvent(replyOf(withoutPayloads(await services.invocations.list(request))), false),
          ),
        ),
      );
    }
    const page = await services.invocations.list(request);
    if (page.items.length === 0 && query.function !== undefined) {
      await services.catalog.assertKnown(namespace, query.function);
    }
    return json(200, replyOf(page));
  },
});

function replyOf({ items, nextCursor }: InvocationPage) {
  return { invocations: items, count: items.length, next_cursor: nextCursor };
}

/** Removes inputs and outputs from a page that is sent repeatedly; they can be requested by id. */
function withoutPayloads({ items, nextCursor }: InvocationPage): InvocationPage {
  const slim = items.map(({ input_base64: _, output_base64: __, ...item }) => ({
    ...item,
    input: null,
    output: null,
  }));
  return { items: slim, nextCursor };
}

/**
 * Yields when a stream polls: soon after rows were written, and periodically, since queued and
 * started invocations are not announced.
 */
function invocationPolls(
  { bus }: Pick<Services, 'bus'>,
  namespace: Namespace,
  signal: AbortSignal,
  isRelevant: (message: string) => boolean,
): AsyncIterable<void> {
  return pollOnMessage(bus, logChannel(namespace), {
    isRelevant,
    minIntervalMs: MIN_POLL_MS,
    maxIntervalMs: MAX_POLL_MS,
    signal,
  });
}

export const cancelInvocation = route({
  operationId: 'cancelInvocation',
  method: 'DELETE',
  path: '/v1/invocations/{id}',
  tag,
  summary: 'Cancel an invocation that is queued or running',
  access: 'required',
  scope: 'invoke',
  params: invocationPath,
  responses: { 200: { description: 'It ends cancelled.', schema: cancelReplySchema } },
  errors: ['not_found', 'conflict'],
  async handle({ services, principal, namespace, params }) {
    if (principal.rights.functions !== null) {
      const found = await services.invocations.get(namespace, params.id);
      assertFunction(principal, 'invoke', found.function);
    }
    await services.invocations.cancel(namespace, params.id);
    return json(200, { request_id: params.id, state: 'cancelled' });
  },
});
