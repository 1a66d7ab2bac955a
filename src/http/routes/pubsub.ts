import {
  type PublishBody,
  presenceQuerySchema,
  presenceReplySchema,
  publishBatchBodySchema,
  publishBatchReplySchema,
  publishBodySchema,
  publishReplySchema,
  topicsReplySchema,
} from '../../contract/http/pubsub.js';
import type { Namespace } from '../../contract/ids.js';
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MB } from '../../contract/limits.js';
import { coversFunction } from '../../contract/scopes.js';
import type { Message } from '../../core/events/message.js';
import { depthOfMessage } from '../../core/invocations/call-depth.js';
import { newRequestId } from '../../core/invocations/job.js';
import { AppError } from '../../errors.js';
import { JsonText, jsonTextOf } from '../../json/json-text.js';
import type { Span } from '../../ports/tracer.js';
import { assertOwnNamespace } from '../admission/admission.js';
import { sourcesOf } from '../request/json-source.js';
import { json, routeUsing } from '../route.js';
import { startServerSpan, withSpan } from '../trace.js';

const route = routeUsing<'catalog' | 'depths' | 'presence' | 'publisher' | 'quotas' | 'tracer'>();

const tag = 'PubSub';

/** 1 MB of bytes in Base64, plus the rest of the object. */
const MAX_PUBLISH_BYTES = 2 * MB;

export const publish = route({
  operationId: 'publishMessage',
  method: 'POST',
  path: '/v1/pubsub/publish',
  tag,
  summary: 'Publish a message to triggers and live subscribers',
  access: 'required',
  scope: 'publish',
  body: {
    kind: 'json',
    schema: publishBodySchema,
    example: { topic: 'orders:created', data: { id: 42 } },
    maxBytes: MAX_PUBLISH_BYTES,
    isQueued: true,
    keepsText: true,
  },
  responses: {
    200: {
      description: 'All triggered jobs are durable.',
      schema: publishReplySchema,
      headers: { 'X-Message-ID': 'The message id; `message_id` lists the invocations that it triggered.' },
    },
  },
  errors: ['forbidden', 'payload_too_large', 'queue_full', 'unavailable'],
  async handle({ services, principal, namespace, body, bodyText, ctx }) {
    assertOwnNamespace(principal, body.namespace);
    const span = startServerSpan(services.tracer, ctx, `publish ${body.topic}`);
    const [source] = sourcesOf(bodyText, ['data']);
    const id = newRequestId();
    const message = {
      id,
      ...messageOf(body, source, { namespace, span, depth: depthOfMessage(services.depths, ctx.req) }),
    };
    return withSpan(span, async () => {
      const { triggered } = await services.publisher.publish(message);
      return json(200, { status: 'ok', triggered }, { 'X-Message-ID': id });
    });
  },
});

export const publishBatch = route({
  operationId: 'publishMessages',
  method: 'POST',
  path: '/v1/pubsub/publish/batch',
  tag,
  summary: `Publish up to ${MAX_BATCH_MESSAGES} messages atomically`,
  description: `The messages are published in order. If one is refused, none is published, and the error names it. The body has at most ${MAX_BATCH_BYTES / MB} MB.`,
  access: 'required',
  scope: 'publish',
  body: {
    kind: 'json',
    schema: publishBatchBodySchema,
    example: { messages: [{ topic: 'orders:created', data: { id: 42 } }] },
    maxBytes: MAX_BATCH_BYTES,
    isQueued: true,
    keepsText: true,
  },
  responses: { 200: { description: 'All triggered jobs are durable.', schema: publishBatchReplySchema } },
  errors: ['forbidden', 'payload_too_large', 'queue_full', 'unavailable'],
  async handle({ services, principal, namespace, body: { messages, ...body }, bodyText, ctx, countUse }) {
    const nameOf = (index: number) => `messages[${index}]`;
    assertOwnNamespace(principal, body.namespace);
    for (const [index, message] of messages.entries()) {
      if (message.namespace !== undefined) assertOwnNamespace(principal, message.namespace, nameOf(index));
    }
    assertCountable(messages.length, (await services.quotas.limits(namespace)).requests_per_minute);
    // The request itself has already been counted as one.
    if (messages.length > 1) await countUse(messages.length - 1);
    const span = startServerSpan(services.tracer, ctx, `publish ${messages.length} messages`);
    const origin = { namespace, span, depth: depthOfMessage(services.depths, ctx.req) };
    const sources = sourcesOf(bodyText, ['messages', '*', 'data']);
    return withSpan(span, async () => {
      await services.publisher.publishAtomically(
        messages.map((message, index) => ({
          name: nameOf(index),
          ...messageOf(message, sources[index], origin),
        })),
      );
      return json(200, { status: 'ok', count: messages.length });
    });
  },
});

/** Properties that all messages of a request share. */
interface Origin {
  namespace: Namespace;
  span: Span;
  depth: number;
}

/**
 * Converts a request body to a message. `source` is the JSON text of `data`; undefined if the
 * message was sent as Base64.
 */
function messageOf(
  { topic, data, data_base64: base64 }: PublishBody,
  source: string | undefined,
  { namespace, span: { traceparent }, depth }: Origin,
): Message {
  return {
    namespace,
    topic,
    depth,
    ...(base64 === undefined ? ofJson(data, source ?? 'null') : ofBytes(Buffer.from(base64, 'base64'))),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function ofBytes(bytes: Uint8Array): Pick<Message, 'bytes' | 'data'> {
  return { bytes, data: jsonTextOf(bytes) };
}

/** Live subscribers receive the text of a string, and the JSON text of any other value. */
function ofJson(value: unknown, source: string): Pick<Message, 'bytes' | 'data'> {
  return { bytes: Buffer.from(typeof value === 'string' ? value : source), data: new JsonText(source) };
}

/**
 * Throws `payload_too_large` if a batch exceeds the limit of a whole minute, since retrying later
 * could never succeed.
 */
function assertCountable(messages: number, limitPerMinute: number): void {
  if (messages <= limitPerMinute) return;
  throw new AppError(
    'payload_too_large',
    `A batch of ${messages} messages is more than the ${limitPerMinute} that a namespace may send in a minute; send smaller ones.`,
  );
}

export const listTopics = route({
  operationId: 'listTopics',
  method: 'GET',
  path: '/v1/pubsub/topics',
  tag,
  summary: 'List the topics that have a live subscriber or a trigger',
  access: 'required',
  scope: 'read',
  responses: { 200: { description: 'The topics, sorted by name.', schema: topicsReplySchema } },
  async handle({ services, principal, namespace }) {
    const live = await services.presence.topics(namespace);
    const triggers = await services.catalog.triggers(namespace);
    const fired = triggers
      .filter((trigger) => coversFunction(principal.rights, trigger.function))
      .flatMap(({ spec }) => ('topic' in spec ? [spec.topic] : []));
    return json(200, { topics: [...new Set([...live, ...fired])].sort() });
  },
});

export const getPresence = route({
  operationId: 'getPresence',
  method: 'GET',
  path: '/v1/pubsub/presence',
  tag,
  summary: 'List the members of a topic',
  access: 'required',
  scope: 'read',
  query: presenceQuerySchema,
  list: true,
  responses: {
    200: {
      description: 'The members, sorted by the time at which they joined.',
      schema: presenceReplySchema,
    },
  },
  async handle({ services, namespace, query }) {
    const members = await services.presence.members(namespace, query.topic);
    return json(200, { topic: query.topic, members, count: members.length });
  },
});
