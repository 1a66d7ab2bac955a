import { z } from 'zod';
import { functionNameSchema, namespaceSchema } from './ids.js';

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
  created_at: z.string(),
  last_used_at: z.string().nullable(),
});
export type KeyRecord = z.infer<typeof keyRecordSchema>;
