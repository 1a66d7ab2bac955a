import type * as z from 'zod';
import { countReplySchema, functionPath, invocationPath } from '../../contract/http/common.js';
import {
  deadGroupsQuerySchema,
  deadGroupsReplySchema,
  deadQuerySchema,
  replayBodySchema,
  replayDeadQuerySchema,
  replayQuerySchema,
  replayReplySchema,
} from '../../contract/http/invocations.js';
import { MB } from '../../contract/limits.js';
import { depthOfRequest } from '../../core/invocations/call-depth.js';
import type { DeadFilter, ReplayAllOptions } from '../../core/invocations/replay.js';
import { AppError } from '../../errors.js';
import { sourcesOf } from '../request/json-source.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'deadLetters' | 'depths'>();

const tag = 'Delivery';

/** 1 MB of input in Base64 or with escapes, plus the rest of the object. */
const MAX_REPLAY_BYTES = 2 * MB;

export const replayInvocation = route({
  operationId: 'replayInvocation',
  method: 'POST',
  path: '/v1/invocations/{id}/replay',
  tag,
  summary: 'Replay an ended invocation with its own or another input',
  description:
    'A dead invocation no longer counts as dead once it has been replayed, and can be replayed again like ' +
    'any other. The input is kept as long ' +
    'as the result, and for dead invocations as long as these; the input of a successful invocation is ' +
    'kept only up to 1 KB and must otherwise be sent.',
  access: 'required',
  scope: 'invoke',
  params: invocationPath,
  query: replayQuerySchema,
  body: {
    kind: 'json',
    keepsText: true,
    schema: replayBodySchema,
    example: { input: { name: 'Grace' } },
    maxBytes: MAX_REPLAY_BYTES,
    optional: true,
  },
  responses: { 202: { description: 'The new invocation.', schema: replayReplySchema } },
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
    const options = {
      version,
      depth: depthOfRequest(services.depths, ctx.req),
      input: givenInput(body, source),
    };
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
  description:
    'Leaves those whose pinned version was deleted with its function, and those whose input was lost ' +
    'because the store refused it; `count` is the number of the others. One without its input can be ' +
    'replayed by its id with another input.',
  access: 'required',
  scope: 'invoke',
  params: functionPath,
  query: replayDeadQuerySchema,
  responses: { 202: { description: 'The number of invocations.', schema: countReplySchema } },
  errors: ['function_not_found', 'queue_full', 'quota_exceeded', 'loop_detected', 'unavailable'],
  async handle({ services, namespace, params, query, actor, ctx }) {
    const version = query.version ?? 'pinned';
    const depth = depthOfRequest(services.depths, ctx.req);
    const options: ReplayAllOptions = { version, depth, ...deadFilter(query) };
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
  responses: { 200: { description: 'The number of invocations.', schema: countReplySchema } },
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
  responses: {
    200: { description: 'The counts, at most 2 seconds old.', schema: deadGroupsReplySchema },
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
