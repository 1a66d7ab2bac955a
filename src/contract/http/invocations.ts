import { z } from 'zod';
import { whole } from '../function.js';
import { functionNameSchema, requestIdSchema } from '../ids.js';
import { invocationRecordSchema, invocationStateSchema } from '../invocation.js';
import { namespaceQuery, sinceSchema } from './common.js';

export const DEFAULT_INVOCATION_LIMIT = 50;

export const invocationsQuerySchema = z.object({
  namespace: namespaceQuery,
  function: functionNameSchema.optional(),
  status: invocationStateSchema.optional(),
  reason: z
    .enum(['error', 'timeout', 'expired', 'worker_died'])
    .optional()
    .describe('Dead ones by what they died of.'),
  parent_id: requestIdSchema.optional().describe('What this invocation has caused.'),
  since: sinceSchema.optional().describe('Accepted at or after this.'),
  before: sinceSchema.optional().describe('Accepted before this.'),
  limit: whole(1, 500).optional(),
  cursor: z.string().min(1).max(1024).optional().describe('`next_cursor` of the page before.'),
});

export const invocationsReplySchema = z.object({
  invocations: z.array(invocationRecordSchema),
  count: z.number().int(),
  next_cursor: z.string().nullable(),
});

export const cancelReplySchema = z.object({ request_id: requestIdSchema, state: z.literal('cancelled') });

export const traceQuerySchema = z.object({
  namespace: namespaceQuery,
  attempt: whole(1, 1000).optional().describe('The last one unless told.'),
});

export const replayQuerySchema = z.object({
  namespace: namespaceQuery,
  version: z
    .enum(['pinned', 'newest'])
    .optional()
    .describe('Which version runs: the one pinned when it was accepted (default), or the newest.'),
});

export const replayBodySchema = z.strictObject({
  input: z
    .unknown()
    .optional()
    .describe(
      'In place of the input it had: a string is the text itself, any other JSON value is sent as it is written.',
    ),
  input_base64: z.base64().optional().describe('The same as bytes; one of the two.'),
});

export const replayReplySchema = z.object({ request_id: requestIdSchema });
