import * as z from 'zod';
import { ERRORS } from '../../errors.js';
import { functionRefSchema } from '../function-ref.js';
import { functionNameSchema, namespaceSchema, requestIdSchema } from '../ids.js';
import { isRealTime } from '../moment.js';
import { show } from '../show.js';

const codes = Object.keys(ERRORS);

/** Body of every error response. */
export const errorReplySchema = z.object({
  error: z.string().describe('One sentence: what was wrong and what to do next.'),
  code: z.enum(codes).describe('A stable identifier to match on.'),
});

export const messageReplySchema = z.object({ message: z.string() });

export const countReplySchema = z.object({ count: z.number().int().min(0) });

/** A time: RFC 3339, Unix milliseconds, or an age such as `15m`. */
export const sinceSchema = z
  .string()
  .regex(
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d|\d{1,15}|\d{1,6}[smhd])$/,
    {
      error: ({ input }) =>
        `must be a time such as "2026-01-31T12:00:00Z" or an age such as "15m", not ${show(input)}`,
    },
  )
  .refine((text) => !text.includes('-') || isRealTime(text), {
    error: ({ input }) => `must be an existing date and time, not ${show(input)}`,
  });

export const namespaceQuery = namespaceSchema
  .optional()
  .describe(
    "The credential's own namespace. Only anonymous calls can select one; their default is `default`.",
  );

export const functionPath = z.object({ name: functionNameSchema });
export const functionRefPath = z.object({ name: functionRefSchema });
export const invocationPath = z.object({ id: requestIdSchema });
