import { z } from 'zod';
import { functionNameSchema, namespaceSchema, requestIdSchema } from './ids.js';

export const triggerKindSchema = z.enum(['http', 'ws', 'pubsub', 'cron', 'async', 'replay']);
export type TriggerKind = z.infer<typeof triggerKindSchema>;

export const attemptStatusSchema = z.enum(['success', 'error', 'timeout']);
export type AttemptStatus = z.infer<typeof attemptStatusSchema>;

export const logLevelSchema = z.enum(['debug', 'info', 'warn', 'error']);
export type LogLevel = z.infer<typeof logLevelSchema>;

export const logMessageSchema = z.object({
  level: logLevelSchema,
  message: z.string(),
  timestamp: z.string(),
});
export type LogMessage = z.infer<typeof logMessageSchema>;

/** One per attempt, newest first. */
export const logRecordSchema = z.object({
  request_id: requestIdSchema,
  function: functionNameSchema,
  version: z.number().int(),
  trigger: triggerKindSchema,
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

export const invocationStateSchema = z.enum([
  'queued',
  'running',
  'retrying',
  'success',
  'error',
  'timeout',
  'dead',
  'cancelled',
]);
export type InvocationState = z.infer<typeof invocationStateSchema>;
/** The states an invocation ends in. */
export type FinalState = Exclude<InvocationState, 'queued' | 'running' | 'retrying'>;

export const invocationAttemptSchema = z.object({
  number: z.number().int(),
  status: attemptStatusSchema,
  error: z.string().nullable(),
  started_at: z.string(),
  duration_ms: z.number(),
});

/** GET /v1/invocations/{id}. `output` is there while it is kept: text, or `output_base64` when it is not UTF-8. */
export const invocationRecordSchema = z.object({
  request_id: requestIdSchema,
  namespace: namespaceSchema,
  function: functionNameSchema,
  version: z.number().int(),
  trigger: triggerKindSchema,
  trigger_depth: z.number().int(),
  state: invocationStateSchema,
  attempts: z.array(invocationAttemptSchema),
  error: z.string().nullable(),
  input_size: z.number().int(),
  output_size: z.number().int().nullable(),
  output: z.string().nullable(),
  output_base64: z.string().optional(),
  created_at: z.string(),
  completed_at: z.string().nullable(),
});
export type InvocationRecord = z.infer<typeof invocationRecordSchema>;
