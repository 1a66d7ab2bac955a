import { z } from 'zod';
import { functionNameSchema, namespaceSchema } from './ids.js';
import { ALL_SCOPES, grantedScopeSchema } from './scopes.js';

/** A trigger as the API shows it: one that a topic fires, or one that a schedule fires. */
export const topicTriggerSchema = z.object({
  id: z.string(),
  function: functionNameSchema,
  topic: z.string(),
  enabled: z.boolean(),
  created_at: z.string(),
});
export const cronTriggerSchema = z.object({
  id: z.string(),
  function: functionNameSchema,
  cron: z.string(),
  timezone: z.string(),
  overlap: z.enum(['allow', 'skip']),
  catch_up: z.enum(['one', 'none']),
  next_run_at: z.string().nullable(),
  enabled: z.boolean(),
  created_at: z.string(),
});
export const triggerRecordSchema = z.union([topicTriggerSchema, cronTriggerSchema]);
export type TriggerRecord = z.infer<typeof triggerRecordSchema>;

export const secretRecordSchema = z.object({
  name: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type SecretRecord = z.infer<typeof secretRecordSchema>;

export const keyRecordSchema = z.object({
  id: z.string(),
  name: z.string(),
  namespace: namespaceSchema,
  // An engine of an earlier version says nothing of limits, and has none.
  scopes: z.array(grantedScopeSchema).default([ALL_SCOPES]),
  functions: z
    .array(z.string())
    .nullable()
    .default(null)
    .describe('Names and patterns; null for all functions.'),
  expires_at: z.string().nullable().default(null),
  created_by: z.string().default('').describe('Whose credential made it; it ends with that credential.'),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});
export type KeyRecord = z.infer<typeof keyRecordSchema>;

/** One line of the audit log: what was changed by whom. */
export const auditEventSchema = z.object({
  at: z.string(),
  actor: z.string().describe('A wallet, or `key:<id>`.'),
  action: z.string().describe('Such as `function.deploy`.'),
  target: z.string().describe('What it was done to, such as a function with its version.'),
  request_id: z.string().describe('As the reply said in X-Request-ID.'),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;
