import * as z from 'zod';
import { seconds } from '../function.js';
import { requestIdSchema } from '../ids.js';
import { MAX_DELAY_SECONDS } from '../limits.js';
import { show } from '../show.js';
import { namespaceQuery } from './common.js';

export const invokeQuerySchema = z.object({ namespace: namespaceQuery });

/** All headers are optional; names are in lower case, as in Node. */
export const invokeHeadersSchema = z.object({
  prefer: z
    .string()
    .max(256)
    .optional()
    .describe(
      '`respond-async`: answer 202 immediately; `wait=N`: answer 202 after N seconds without a result.',
    ),
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe(
      'The same key returns the same invocation and result for 24 hours; with a different body it is 422.',
    ),
  'x-orama-sticky': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Equal values select equal versions of an alias with weights.'),
  'x-delay-seconds': seconds(0, MAX_DELAY_SECONDS)
    .optional()
    .describe('Async only: delay before the first attempt, in seconds.'),
  'x-max-age-seconds': seconds(0, MAX_DELAY_SECONDS)
    .optional()
    .describe(
      'If the invocation is older than this when it is about to start, it is dead with reason `expired`.',
    ),
  'x-callback-url': z
    .string()
    .max(2048, { abort: true })
    .regex(/^https?:\/\//, {
      error: ({ input }) => `must be an http or https URL, not ${show(input)}`,
    })
    .optional()
    .describe(
      'Async only: URL to which the result is POSTed, signed with the callback secret of the namespace.',
    ),
  'x-request-id': z
    .string()
    .regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, {
      error: ({ input }) => `must be a UUID, not ${show(input)}`,
    })
    .optional()
    .describe('An id for the invocation chosen by the client: a new UUID.'),
  traceparent: z.string().max(128).optional().describe('W3C trace context, propagated to the invocation.'),
});

export const invokeReplySchema = z.object({
  request_id: requestIdSchema,
  output: z.string().optional(),
  output_base64: z.string().optional().describe('Replaces `output` if it is not UTF-8.'),
  status: z.literal('success'),
  duration_ms: z.number(),
});

export const invokeFailureSchema = z.object({
  request_id: requestIdSchema,
  status: z.enum(['error', 'timeout', 'cancelled']),
  error: z.string(),
  code: z.string(),
  output: z.string().optional().describe('The output before the failure, for callers with a credential.'),
  output_base64: z.string().optional().describe('Replaces `output` if it is not UTF-8.'),
  duration_ms: z.number(),
});

export const acceptedReplySchema = z.object({ request_id: requestIdSchema, status: z.literal('queued') });

/** A frame of WS /v1/functions/{name}/ws. */
export const socketReplySchema = z.union([
  invokeReplySchema,
  invokeFailureSchema,
  acceptedReplySchema.describe(
    'The call took longer than the maximum wait: it continues and can be looked up.',
  ),
  z.object({ request_id: requestIdSchema, log: z.string(), level: z.string() }).describe('With `logs=true`.'),
]);

export const invokeSocketQuerySchema = invokeQuerySchema.extend({
  logs: z
    .boolean()
    .optional()
    .describe('`true`: the log lines of each invocation are sent before its reply.'),
});

export type Preference = { kind: 'final' } | { kind: 'async' } | { kind: 'wait'; seconds: number };

/**
 * Parses a Prefer header (RFC 7240): `respond-async` and `wait=N`. With both, the server waits N
 * seconds first. Unknown preferences are ignored.
 */
export function parsePrefer(header: string | undefined): Preference {
  if (header === undefined) return { kind: 'final' };
  let respondAsync = false;
  for (const part of header.split(',')) {
    const [name = '', value = ''] = (part.split(';')[0] ?? '').split('=').map((text) => text.trim());
    if (name.toLowerCase() === 'respond-async') respondAsync = true;
    const seconds = value.replace(/^"(.*)"$/, '$1');
    if (name.toLowerCase() === 'wait' && /^\d{1,9}$/.test(seconds)) {
      return Number(seconds) === 0 ? { kind: 'async' } : { kind: 'wait', seconds: Number(seconds) };
    }
  }
  return respondAsync ? { kind: 'async' } : { kind: 'final' };
}
