import * as z from 'zod';
import { topicSchema } from '../function.js';
import { namespaceSchema } from '../ids.js';
import { MAX_BATCH_MESSAGES } from '../limits.js';
import { namespaceQuery } from './common.js';

const oneOfTwo = z.never({ error: 'cannot come with the other; send data or data_base64' }).optional();
const fields = { topic: topicSchema, namespace: namespaceSchema.optional() };

const message = (error: string) =>
  z.union(
    [
      z.strictObject({
        ...fields,
        data_base64: z
          .base64()
          .describe(
            'Bytes as Base64; a trigger receives them as JSON if they are valid JSON, otherwise as a string.',
          ),
        data: oneOfTwo,
      }),
      z.strictObject({
        ...fields,
        data: z.unknown().describe('Any JSON value; passed on verbatim.'),
        data_base64: oneOfTwo,
      }),
    ],
    { error },
  );

export const publishBodySchema = message(
  'The body must be a JSON object with "topic", and "data" or "data_base64".',
);
export type PublishBody = z.infer<typeof publishBodySchema>;

export const publishReplySchema = z.object({
  status: z.literal('ok'),
  triggered: z.number().int().describe('Number of triggered invocations: one per matching trigger.'),
});

/**
 * Count the messages before validating them: errors for each of the million messages that a body
 * can contain would take gigabytes of memory.
 */
const counted = z.transform((value: unknown, { issues }) => {
  if (!Array.isArray(value) || value.length <= MAX_BATCH_MESSAGES) return value;
  issues.push({ code: 'too_big', origin: 'array', maximum: MAX_BATCH_MESSAGES, input: value });
  return z.NEVER;
});

export const publishBatchBodySchema = z.strictObject({
  namespace: namespaceSchema.optional(),
  messages: z.pipe(
    counted,
    z
      .array(message('must be an object with "topic", and "data" or "data_base64"'))
      .min(1, { error: 'must hold at least one message' })
      .max(MAX_BATCH_MESSAGES),
  ),
});

export const publishBatchReplySchema = z.object({
  status: z.literal('ok'),
  count: z.number().int().describe('Number of published messages.'),
});

export const topicsReplySchema = z.object({ topics: z.array(z.string()) });

export const presenceQuerySchema = z.object({ namespace: namespaceQuery, topic: topicSchema });

export const presenceReplySchema = z.object({
  topic: z.string(),
  members: z.array(z.object({ member_id: z.string(), joined_at: z.string(), meta: z.unknown() })),
  count: z.number().int(),
});

export const subscribeQuerySchema = z.object({
  namespace: namespaceQuery,
  topic: topicSchema,
  presence: z
    .boolean()
    .optional()
    .describe('`true`: join the topic as a member and receive join and leave events of others.'),
  member_id: z.string().min(1).max(256).optional(),
  member_meta: z.string().max(4096).optional().describe('JSON that other members see.'),
  heartbeat: z
    .boolean()
    .optional()
    .describe('`true`: receive a frame at least every 15 seconds, for clients that cannot see pings.'),
});

/** A message as sent to live subscribers; `data` is Base64. */
export const liveFrameSchema = z.object({ data: z.string(), timestamp: z.number(), topic: z.string() });

/** Sent on request, since WebSockets in browsers do not show the server's pings. */
export const heartbeatSchema = z.object({ type: z.literal('heartbeat'), timestamp: z.number() });

export const presenceEventSchema = z.object({
  type: z.enum(['presence.join', 'presence.leave']),
  member_id: z.string(),
  meta: z.unknown(),
  timestamp: z.number(),
});
export type PresenceEvent = z.infer<typeof presenceEventSchema>;
