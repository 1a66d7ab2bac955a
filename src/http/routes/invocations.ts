import type { Context } from 'koa';
import type { z } from 'zod';
import { countReplySchema, functionPath, invocationPath } from '../../contract/http/common.js';
import {
  cancelReplySchema,
  DEFAULT_INVOCATION_LIMIT,
  deadGroupsQuerySchema,
  deadGroupsReplySchema,
  deadQuerySchema,
  invocationQuerySchema,
  invocationsQuerySchema,
  invocationsReplySchema,
  replayBodySchema,
  replayDeadQuerySchema,
  replayQuerySchema,
  replayReplySchema,
  traceQuerySchema,
} from '../../contract/http/invocations.js';
import type { Namespace, RequestId } from '../../contract/ids.js';
import { invocationRecordSchema } from '../../contract/invocation.js';
import { traceSchema } from '../../contract/trace.js';
import { assertFunction } from '../../core/auth/rights.js';
import { assertDepth, DEPTH_HEADER } from '../../core/call-depth.js';
import type { InvocationPage, ListRequest } from '../../core/invocation-pages.js';
import { logChannel, logNoticeNames } from '../../core/logs.js';
import type { DeadFilter, ReplayAllOptions } from '../../core/replay.js';
import { ticks } from '../../core/ticks.js';
import { AppError } from '../../errors.js';
import { eventStream, writeChanges } from '../event-stream.js';
import { sourcesOf } from '../json-source.js';
import { json, route } from '../route.js';
import type { Services } from '../services.js';
import { parseSince } from '../since.js';

const tag = 'Delivery';

/** 1 MB of input in Base64 or with escapes, plus the rest of the object. */
const MAX_REPLAY_BYTES = 2 << 20;
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
  replies: {
    200: {
      about: 'The invocation.',
      schema: invocationRecordSchema,
      types: { 'text/event-stream': 'With `follow=true`: each `data:` is the record as JSON.' },
    },
  },
  errors: ['not_found'],
  async handle(call) {
    const { services, principal, namespace, params, query, ctx } = call;
    const read = () => services.invocations.get(namespace, params.id);
    const found = await read();
    assertFunction(principal, 'read', found.function);
    if (!query.follow || ctx.method !== 'GET') return json(200, found);
    const isNews = (message: string) => logNoticeNames(found.function, message);
    return eventStream(call, (write, signal) =>
      writeChanges(write, pollTicks(services, namespace, signal, isNews), read),
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
  replies: { 200: { about: 'The trace.', schema: traceSchema } },
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
  replies: {
    200: {
      about: 'One page.',
      schema: invocationsReplySchema,
      types: {
        'text/event-stream':
          'With `follow=true`: each `data:` is the first page as JSON, without inputs and outputs, at most every 2 seconds.',
      },
    },
  },
  errors: ['function_not_found'],
  async handle(call) {
    const { services, principal, namespace, query, ctx } = call;
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
        writeChanges(write, pollTicks(services, namespace, signal, isNews), async () =>
          replyOf(withoutPayloads(await services.invocations.list(request))),
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
function pollTicks(
  { bus }: Services,
  namespace: Namespace,
  signal: AbortSignal,
  isRelevant: (message: string) => boolean,
): AsyncIterable<void> {
  return ticks(bus, logChannel(namespace), {
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
  replies: { 200: { about: 'It ends cancelled.', schema: cancelReplySchema } },
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

export const replayInvocation = route({
  operationId: 'replayInvocation',
  method: 'POST',
  path: '/v1/invocations/{id}/replay',
  tag,
  summary: 'Replay an ended invocation with its own or another input',
  description:
    'A dead invocation can be replayed once and then no longer counts as dead. The input is kept as long ' +
    'as the result, and for dead invocations as long as these; the input of a successful invocation is ' +
    'kept only up to 1 KB and must otherwise be sent.',
  access: 'required',
  scope: 'invoke',
  params: invocationPath,
  query: replayQuerySchema,
  body: {
    kind: 'json',
    schema: replayBodySchema,
    example: { input: { name: 'Grace' } },
    maxBytes: MAX_REPLAY_BYTES,
    optional: true,
  },
  replies: { 202: { about: 'The new invocation.', schema: replayReplySchema } },
  errors: [
    'not_found',
    'function_not_found',
    'conflict',
    'payload_too_large',
    'queue_full',
    'quota_exceeded',
    'loop_detected',
    'unavailable',
  ],
  async handle({ services, namespace, params, query, body, bodyText, actor, ctx }) {
    const version = query.version ?? 'pinned';
    const [source] = sourcesOf(bodyText, ['input']);
    const options = { version, depth: depthOf(services, ctx), input: givenInput(body, source) };
    const id = await services.deadLetters.replay(actor(), namespace, params.id, options);
    return json(202, { request_id: id }, { Location: `/v1/invocations/${id}` });
  },
});

export const replayDead = route({
  operationId: 'replayDeadLetters',
  method: 'POST',
  path: '/v1/functions/{name}/dead/replay',
  tag,
  summary: 'Run dead invocations of a function again: all, those of one reason, or some',
  access: 'required',
  scope: 'invoke',
  params: functionPath,
  query: replayDeadQuerySchema,
  replies: { 202: { about: 'The number of invocations.', schema: countReplySchema } },
  errors: ['function_not_found', 'queue_full', 'quota_exceeded', 'loop_detected', 'unavailable'],
  async handle({ services, namespace, params, query, actor, ctx }) {
    const version = query.version ?? 'pinned';
    const options: ReplayAllOptions = { version, depth: depthOf(services, ctx), ...deadFilter(query) };
    const count = await services.deadLetters.replayAll(actor(), namespace, params.name, options);
    return json(202, { count });
  },
});

export const purgeDead = route({
  operationId: 'purgeDeadLetters',
  method: 'DELETE',
  path: '/v1/functions/{name}/dead',
  tag,
  summary: 'Throw away dead invocations of a function: all, those of one reason, or some',
  access: 'required',
  scope: 'invoke',
  params: functionPath,
  query: deadQuerySchema,
  replies: { 200: { about: 'The number of invocations.', schema: countReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params, query, actor }) {
    const count = await services.deadLetters.purge(actor(), namespace, params.name, deadFilter(query));
    return json(200, { count });
  },
});

export const countDead = route({
  operationId: 'countDeadLetters',
  method: 'GET',
  path: '/v1/dead',
  tag,
  summary: 'Count dead invocations by function and reason, most first',
  access: 'required',
  scope: 'read',
  query: deadGroupsQuerySchema,
  replies: {
    200: { about: 'The counts, at most 2 seconds old.', schema: deadGroupsReplySchema },
  },
  async handle({ services, principal, namespace }) {
    const groups = await services.deadLetters.groups(namespace, principal.rights);
    return json(200, {
      groups: groups.map(({ oldestAt, newestAt, ...group }) => ({
        ...group,
        oldest_at: new Date(oldestAt).toISOString(),
        newest_at: new Date(newestAt).toISOString(),
      })),
      count: groups.reduce((sum, group) => sum + group.count, 0),
    });
  },
});

function deadFilter({ reason, request_id: ids }: z.output<typeof deadQuerySchema>): DeadFilter {
  return { ...(reason === undefined ? {} : { reason }), ...(ids === undefined ? {} : { ids }) };
}

/**
 * Returns the depth of the request, so that a function that replays its own failures terminates.
 */
function depthOf({ depths }: Services, ctx: Context): number {
  const depth = depths.read(ctx.req.headers[DEPTH_HEADER]);
  assertDepth(depth);
  return depth;
}

/** Returns the input given for a replay, or null if there is none. */
function givenInput(
  { input, input_base64: base64 }: z.output<typeof replayBodySchema>,
  source: string | undefined,
): Uint8Array | null {
  if (input !== undefined && base64 !== undefined) {
    throw new AppError('invalid_request', 'input and input_base64 exclude each other; send one of them.');
  }
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (input === undefined) return null;
  return Buffer.from(typeof input === 'string' ? input : (source ?? ''));
}
