import * as z from 'zod';
import { whole } from '../function.js';
import { functionNameSchema, requestIdSchema } from '../ids.js';
import { invocationRecordSchema, invocationStateSchema } from '../invocation.js';
import { show } from '../show.js';
import { namespaceQuery, sinceSchema } from './common.js';

export const DEFAULT_INVOCATION_LIMIT = 50;

const deadReasonSchema = z.enum(['error', 'timeout', 'expired', 'worker_died']);

export const invocationsQuerySchema = z.object({
  namespace: namespaceQuery,
  function: functionNameSchema.optional(),
  status: invocationStateSchema.optional(),
  reason: deadReasonSchema
    .optional()
    .describe('Only dead invocations with this reason; none with another `status` than `dead`.'),
  parent_id: requestIdSchema.optional().describe('Only invocations caused by this one.'),
  message_id: requestIdSchema.optional().describe('Only invocations triggered by this message.'),
  since: sinceSchema.optional().describe('Only invocations accepted at or after this time.'),
  before: sinceSchema.optional().describe('Only invocations accepted before this time.'),
  limit: whole(1, 500).optional(),
  cursor: z.string().min(1).max(1024).optional().describe('`next_cursor` of the previous page.'),
  follow: z
    .boolean()
    .optional()
    .describe('Server-sent events: the first page, and again whenever it changes.'),
});

export const invocationQuerySchema = z.object({
  namespace: namespaceQuery,
  follow: z.boolean().optional().describe('Server-sent events: the record, and again whenever it changes.'),
});

/** Maximum number of ids per request: one page, and a URL that every proxy accepts. */
const MAX_CHOSEN = 100;

const chosenSchema = z
  .string()
  .transform((text) => text.split(',').map((id) => id.trim()))
  .pipe(z.array(requestIdSchema).max(MAX_CHOSEN));

/** Strict, as a filter that is misspelled would select everything. */
export const deadQuerySchema = z.strictObject({
  namespace: namespaceQuery,
  reason: deadReasonSchema.optional().describe('Only dead invocations with this reason.'),
  request_id: chosenSchema
    .optional()
    .describe(`Only these: up to ${MAX_CHOSEN} ids, separated by commas. Others among them are left alone.`),
});

export const deadGroupsQuerySchema = z.object({ namespace: namespaceQuery });

export const deadGroupsReplySchema = z.object({
  groups: z.array(
    z.object({
      function: functionNameSchema,
      reason: deadReasonSchema,
      count: z.number().int(),
      oldest_at: z.string().describe('When the first of them ended.'),
      newest_at: z.string(),
    }),
  ),
  count: z.number().int().describe('Dead letters in all.'),
});

export const invocationsReplySchema = z.object({
  invocations: z.array(invocationRecordSchema),
  count: z.number().int(),
  next_cursor: z.string().nullable(),
});

export const cancelReplySchema = z.object({ request_id: requestIdSchema, state: z.literal('cancelled') });

export const traceQuerySchema = z.object({
  namespace: namespaceQuery,
  attempt: whole(1, 1000).optional().describe('Default: the last attempt.'),
});
const replayVersionSchema = z
  .string()
  .regex(/^(pinned|newest|[1-9]\d{0,8})$/, {
    error: ({ input }) => `must be "pinned", "newest" or a version such as "3", not ${show(input)}`,
  })
  .transform((text): 'pinned' | 'newest' | number =>
    text === 'pinned' || text === 'newest' ? text : Number(text),
  );

export const replayQuerySchema = z.strictObject({
  namespace: namespaceQuery,
  version: replayVersionSchema
    .optional()
    .describe(
      'The version to run: `pinned`, that of the original invocation (default), `newest`, or a number.',
    ),
});

export const replayDeadQuerySchema = replayQuerySchema.extend({
  reason: deadQuerySchema.shape.reason,
  request_id: deadQuerySchema.shape.request_id,
});

export const replayBodySchema = z.strictObject({
  input: z
    .unknown()
    .optional()
    .describe(
      'Replaces the original input: a string is sent as its text, any other value as its exact JSON text.',
    ),
  input_base64: z.base64().optional().describe('The input as Base64; alternative to `input`.'),
});

export const replayReplySchema = z.object({ request_id: requestIdSchema });
