import {
  presenceQuerySchema,
  presenceReplySchema,
  publishBodySchema,
  publishReplySchema,
  topicsReplySchema,
} from '../../contract/http/pubsub.js';
import { dataOf } from '../../core/publish.js';
import { assertOwnNamespace } from '../admission.js';
import { json, route } from '../route.js';
import { startTrace, within } from '../trace.js';

const tag = 'PubSub';

/** 1 MB of bytes in base64, with room for the rest of the object. */
const MAX_PUBLISH_BYTES = 2 << 20;
/** What is published over HTTP fires triggers at this depth. */
const FIRST_DEPTH = 1;

export const publish = route({
  method: 'POST',
  path: '/v1/pubsub/publish',
  tag,
  summary: 'Publish a message: fires triggers, and tells live subscribers',
  access: 'required',
  body: { kind: 'json', schema: publishBodySchema, maxBytes: MAX_PUBLISH_BYTES },
  replies: { 200: { about: 'Every job it fired is durable.', schema: publishReplySchema } },
  errors: ['forbidden', 'payload_too_large', 'queue_full', 'unavailable'],
  async handle({ services, principal, namespace, body, ctx }) {
    assertOwnNamespace(principal, body.namespace);
    // Live subscribers get text as it is, and any other value as JSON.
    const bytes =
      body.data_base64 !== undefined
        ? Buffer.from(body.data_base64, 'base64')
        : Buffer.from(typeof body.data === 'string' ? body.data : JSON.stringify(body.data));
    const span = startTrace(services.tracer, ctx, `publish ${body.topic}`);
    const { traceparent } = span;
    await within(span, () =>
      services.publisher.publish({
        namespace,
        topic: body.topic,
        bytes,
        value: body.data_base64 !== undefined ? dataOf(bytes) : body.data,
        depth: FIRST_DEPTH,
        ...(traceparent === undefined ? {} : { traceparent }),
      }),
    );
    return json(200, { status: 'ok' });
  },
});

export const listTopics = route({
  method: 'GET',
  path: '/v1/pubsub/topics',
  tag,
  summary: 'List the topics that have a live subscriber or a trigger',
  access: 'required',
  replies: { 200: { about: 'By name.', schema: topicsReplySchema } },
  async handle({ services, namespace }) {
    const live = await services.presence.topics(namespace);
    const triggers = await services.catalog.triggers(namespace);
    const fired = triggers.flatMap(({ spec }) => ('topic' in spec ? [spec.topic] : []));
    return json(200, { topics: [...new Set([...live, ...fired])].sort() });
  },
});

export const getPresence = route({
  method: 'GET',
  path: '/v1/pubsub/presence',
  tag,
  summary: 'Show who is on a topic',
  access: 'required',
  query: presenceQuerySchema,
  replies: { 200: { about: 'Members by the time they joined.', schema: presenceReplySchema } },
  async handle({ services, namespace, query }) {
    const members = await services.presence.members(namespace, query.topic);
    return json(200, { topic: query.topic, members, count: members.length });
  },
});
