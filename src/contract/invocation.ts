import * as z from 'zod';
import { httpFieldsSchema } from './http-route.js';
import { functionNameSchema, namespaceSchema, requestIdSchema } from './ids.js';
import { INVOCATION_STATES } from './invocation-state.js';

export const triggerKindSchema = z.enum(['http', 'ws', 'pubsub', 'cron', 'async', 'replay']);
export type TriggerKind = z.infer<typeof triggerKindSchema>;

export const attemptStatusSchema = z.enum(['success', 'error', 'timeout']);
export type AttemptStatus = z.infer<typeof attemptStatusSchema>;

const logLevelSchema = z.enum(['debug', 'info', 'warn', 'error']);
export type LogLevel = z.infer<typeof logLevelSchema>;

const logMessageSchema = z.object({
  level: logLevelSchema,
  message: z.string(),
  timestamp: z.string(),
});
export type LogMessage = z.infer<typeof logMessageSchema>;

/** One record per attempt, newest first. */
export const logRecordSchema = z.object({
  request_id: requestIdSchema,
  function: functionNameSchema,
  version: z.number().int(),
  trigger: triggerKindSchema,
  ...httpFieldsSchema,
  attempt: z.number().int().min(1),
  status: attemptStatusSchema,
  started_at: z.string(),
  duration_ms: z.number(),
  input_size: z.number().int(),
  output_size: z.number().int(),
  memory_peak_mb: z.number(),
  error: z.string().nullable(),
  messages: z.array(logMessageSchema),
});
export type LogRecord = z.infer<typeof logRecordSchema>;

export const invocationStateSchema = z.enum(INVOCATION_STATES);

const invocationAttemptSchema = z.object({
  number: z.number().int(),
  status: attemptStatusSchema,
  error: z.string().nullable(),
  started_at: z.string(),
  duration_ms: z.number(),
});

/** Delivery status of the callback. */
const callbackSchema = z.object({
  url: z.string(),
  attempts: z.number().int().describe('Number of delivery attempts so far.'),
  delivered_at: z.string().nullable().describe('When the receiver responded with a 2xx status.'),
  last_error: z.string().nullable().describe('Error of the last attempt.'),
});

/**
 * GET /v1/invocations/{id}. `input` and `output` are present while they are kept: as text, or as
 * `…_base64` if they are not UTF-8. The state of an invocation that has not ended comes from the
 * queue.
 */
export const invocationRecordSchema = z.object({
  request_id: requestIdSchema,
  namespace: namespaceSchema,
  function: functionNameSchema,
  version: z.number().int(),
  trigger: triggerKindSchema,
  ...httpFieldsSchema,
  trigger_depth: z.number().int(),
  parent_id: requestIdSchema
    .nullable()
    .describe(
      'The invocation that published the event, enqueued this invocation or was replayed as this one.',
    ),
  message_id: requestIdSchema.optional().describe('The message that triggered the invocation.'),
  state: invocationStateSchema,
  attempts: z.array(invocationAttemptSchema),
  error: z.string().nullable(),
  code: z
    .enum([
      'function_error',
      'function_refused',
      'function_timeout',
      'expired',
      'worker_died',
      'cancelled',
      'unavailable',
      'quota_exceeded',
    ])
    .optional()
    .describe('Of an invocation that failed: the error code that a waiting caller gets.'),
  input_size: z.number().int(),
  output_size: z.number().int().nullable(),
  input: z.string().nullable().describe('Null if it is not kept; in a list also if it is larger than 64 KB.'),
  input_base64: z.string().optional(),
  output: z.string().nullable(),
  output_base64: z.string().optional(),
  callback: callbackSchema.nullable(),
  created_at: z.string(),
  completed_at: z.string().nullable(),
});
export type CallbackRecord = z.infer<typeof callbackSchema>;
export type InvocationRecord = z.infer<typeof invocationRecordSchema>;
