import * as z from 'zod';
import { whole } from '../function.js';
import { functionNameSchema, namespaceSchema, requestIdSchema } from '../ids.js';
import { attemptStatusSchema, logRecordSchema } from '../invocation.js';
import { show } from '../show.js';
import { namespaceQuery, sinceSchema } from './common.js';

export const DEFAULT_LOG_LIMIT = 100;

export const logsQuerySchema = z.object({
  namespace: namespaceQuery,
  limit: whole(1, 1000).optional().describe('Number of records, default 100.'),
  since: sinceSchema.optional(),
  status: attemptStatusSchema.optional(),
  request_id: requestIdSchema.optional(),
  follow: z
    .boolean()
    .optional()
    .describe('`true`: server-sent events, one record each, oldest first, as they are written.'),
});

export const logsHeadersSchema = z.object({
  'last-event-id': z
    .string()
    .regex(/^\d{0,15}$/, {
      error: (issue) => `must be the id of an event of the stream, not ${show(issue.input)}`,
    })
    .optional()
    .describe('With `follow`: the `id` after which to resume. Empty is the same as none.'),
});

export const logsReplySchema = z.object({
  name: functionNameSchema,
  namespace: namespaceSchema,
  logs: z.array(logRecordSchema),
  count: z.number().int(),
});
