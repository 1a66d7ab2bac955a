import * as z from 'zod';
import { functionNameSchema, namespaceSchema } from './ids.js';
import { ALL_SCOPES, grantedScopeSchema } from './scopes.js';

/** A trigger as shown by the API, with a topic or with a schedule. */
const topicTriggerSchema = z.object({
  id: z.string(),
  function: functionNameSchema,
  topic: z.string(),
  enabled: z.boolean(),
  created_at: z.string(),
});
const cronTriggerSchema = z.object({
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
  // Contract §4 does not list these four: the CLI and clients accept replies without them.
  scopes: z.array(grantedScopeSchema).default([ALL_SCOPES]),
  functions: z
    .array(z.string())
    .nullable()
    .default(null)
    .describe('Names and patterns; null for all functions.'),
  expires_at: z.string().nullable().default(null),
  created_by: z
    .string()
    .default('')
    .describe('The credential that created the key; the key is revoked with it.'),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});
export type KeyRecord = z.infer<typeof keyRecordSchema>;

/** An entry of the audit log: who changed what. */
export const auditEventSchema = z.object({
  at: z.string(),
  actor: z.string().describe('A wallet, or `key:<id>`.'),
  actor_name: z.string().optional().describe('The name of the key in `actor`, also if it was revoked since.'),
  action: z.string().describe('An action such as `function.deploy`.'),
  target: z.string().describe('The changed object, such as a function with its version.'),
  target_name: z.string().optional().describe('The name of the key in `target`, for entries about keys.'),
  request_id: z.string().describe('The X-Request-ID of the response.'),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;
