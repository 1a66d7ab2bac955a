import * as z from 'zod';
import { requestIdSchema } from './ids.js';
import { MB } from './limits.js';

/** Limit per attempt; further calls run but are not recorded. */
export const MAX_TRACED_CALLS = 1000;
export const MAX_TRACE_BYTES = MB;

/** The result of a host call, by its kind. */
const tracedResultSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('bytes'), base64: z.string() }),
  z.object({
    kind: z.literal('integer'),
    integer: z.string().describe('Decimal text, as it may have 64 bits.'),
  }),
  z.object({ kind: z.literal('error'), code: z.string(), message: z.string() }),
]);
export type TracedResult = z.infer<typeof tracedResultSchema>;

const tracedCallSchema = z.object({
  call: z.string().describe('The host function, such as `http_fetch`.'),
  about: z
    .string()
    .describe(
      'The main argument: method and URL, the SQL, a key, a topic, or a name. Truncated to 1,000 characters.',
    ),
  digest: z.string().describe('Digest of all arguments, without the values of secrets.'),
  started_ms: z.number().describe('Milliseconds after the start of the attempt.'),
  duration_ms: z.number(),
  result: tracedResultSchema,
});
export type TracedCall = z.infer<typeof tracedCallSchema>;

/** The host calls of one attempt of a function with `trace: true`, with their results. */
export const traceSchema = z.object({
  request_id: requestIdSchema,
  attempt: z.number().int(),
  truncated: z
    .boolean()
    .describe('There were more than 1,000 calls, more than 1 MB, or secrets too large to be redacted.'),
  calls: z.array(tracedCallSchema),
});
export type Trace = z.infer<typeof traceSchema>;

/** Replaces the value of a secret in a trace. */
export function secretPlaceholder(name: string): string {
  return `«secret ${name}»`;
}
