import * as z from 'zod';
import { CONNECTION_HEADERS } from '../connection-headers.js';
import { HTTP_METHODS } from '../http-function.js';
import { requestIdSchema } from '../ids.js';
import { MB } from '../limits.js';
import { show } from '../show.js';

/** 1 MB of body in base64 or with escapes, plus headers and the rest of the object. */
export const MAX_HTTP_REQUEST_BYTES = 3 * MB;

/** Headers of the connection, which the engine sets. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...CONNECTION_HEADERS,
  'expect',
  'host',
  'proxy-authenticate',
]);

const headerNameSchema = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, {
    error: ({ input }) => `must be a header name such as "X-Test", not ${show(input)}`,
  })
  .refine((name) => !RESERVED_HEADERS.has(name.toLowerCase()), {
    error: ({ input }) => `may not be ${show(input)}, which the engine sets itself`,
  });
/** No control characters except tab (RFC 9110 §5.5). */
const headerValueSchema = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: () => 'must have no control characters and none outside of Latin-1',
});

export const httpRequestBodySchema = z.strictObject({
  method: z.enum(HTTP_METHODS).optional().describe('Default `GET`.'),
  path: z
    .string()
    .max(8192, { abort: true })
    .regex(/^\/[\x21-\x22\x24-\x7e]*$/, {
      error: ({ input }) =>
        `must begin with "/" and be percent-encoded, such as "/users/7?x=1", not ${show(input)}`,
    })
    .describe(
      "Path and query as the namespace's functions see them: `/{name}` or a route, without the namespace.",
    ),
  headers: z
    .record(headerNameSchema, z.union([headerValueSchema, z.array(headerValueSchema).max(100)]))
    .optional(),
  body: z.string().optional().describe('As text.'),
  body_base64: z.base64().optional().describe('The body as Base64; alternative to the text.'),
  anonymous: z
    .boolean()
    .optional()
    .describe(
      'True: sent without a credential. Otherwise with that of this call, unless the headers contain another one.',
    ),
});
export type HttpRequestBody = z.infer<typeof httpRequestBodySchema>;

export const httpRequestReplySchema = z.object({
  request_id: requestIdSchema.nullable().describe('Id of the invocation; null if there was none.'),
  status: z.number().int(),
  headers: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .describe('Names are in lower case.'),
  body: z.string().nullable().describe('Null if the body is not UTF-8.'),
  body_base64: z.string().optional(),
  duration_ms: z.number().describe('Time until the complete response was received.'),
});
