import { z } from 'zod';
import { functionNameSchema, namespaceSchema } from './ids.js';

/** A whole number in a range, with a message that names the value and the range. */
const whole = (min: number, max: number, unit = '') =>
  z
    .number({
      error: (issue) => `must be a whole number from ${min} to ${max}${unit}, not ${show(issue.input)}`,
    })
    .int({
      error: (issue) => `must be a whole number from ${min} to ${max}${unit}, not ${show(issue.input)}`,
    })
    .min(min, { error: (issue) => `must be from ${min} to ${max}${unit}, not ${show(issue.input)}` })
    .max(max, { error: (issue) => `must be from ${min} to ${max}${unit}, not ${show(issue.input)}` });

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}

/** A topic name or, in a trigger, a pattern: `:`-separated segments; `*` one segment, `>` the rest. */
export const topicSchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\s\p{Cc}]+$/u, 'may hold no blanks or control characters');

export const memorySchema = whole(1, 256, ' MB');
export const timeoutSchema = whole(1, 300, ' seconds');
export const retryCountSchema = whole(0, 25);
export const retryDelaySchema = z
  .number({ error: (issue) => `must be a number of seconds from 0 to 3600, not ${show(issue.input)}` })
  .min(0, { error: (issue) => `must be from 0 to 3600 seconds, not ${show(issue.input)}` })
  .max(3600, { error: (issue) => `must be from 0 to 3600 seconds, not ${show(issue.input)}` });
export const backoffSchema = z.enum(['fixed', 'exponential']);
export const envSchema = z.record(
  z.string().min(1).max(256),
  z.string({ error: (issue) => `must be a string, not ${show(issue.input)}; put it in quotes` }).max(65_536),
);
export const concurrencySchema = whole(1, 10_000);
export const allowedHostsSchema = z.array(z.string().min(1).max(253)).max(100);

export const triggerSpecSchema = z.union([
  z.strictObject({ topic: topicSchema }),
  z.strictObject({ cron: z.string().min(1).max(256), timezone: z.string().min(1).max(64).optional() }),
]);
export type TriggerSpec = z.infer<typeof triggerSpecSchema>;

/** What has no form field of its own and travels in `metadata`. */
export const functionMetadataSchema = z.strictObject({
  env: envSchema.default({}),
  retry_backoff: backoffSchema.default('fixed'),
  triggers: z.array(triggerSpecSchema).max(100).default([]),
  on_success: topicSchema.optional(),
  on_failure: topicSchema.optional(),
  concurrency: concurrencySchema.optional(),
  allowed_hosts: allowedHostsSchema.optional(),
});
export type FunctionMetadata = z.infer<typeof functionMetadataSchema>;

/** All settings of a function, however they came: function.yaml and the form make the same. */
export const functionSettingsSchema = z.strictObject({
  name: functionNameSchema,
  is_public: z
    .boolean({ error: (issue) => `must be true or false, not ${show(issue.input)}` })
    .default(false),
  memory_limit_mb: memorySchema.default(64),
  timeout_seconds: timeoutSchema.default(30),
  retry_count: retryCountSchema.default(0),
  retry_delay_seconds: retryDelaySchema.default(5),
  metadata: functionMetadataSchema,
});
export type FunctionSettings = z.infer<typeof functionSettingsSchema>;

export const warmStartSchema = z.enum(['fresh', 'reactor', 'go-command']);
export type WarmStart = z.infer<typeof warmStartSchema>;

/** The function record of contract §4; a version is the same record. Times are RFC 3339 in UTC. */
export const functionRecordSchema = z.object({
  id: z.string(),
  name: functionNameSchema,
  namespace: namespaceSchema,
  version: z.number().int().min(1),
  wasm_cid: z.string(),
  memory_limit_mb: z.number().int(),
  timeout_seconds: z.number().int(),
  is_public: z.boolean(),
  retry_count: z.number().int(),
  retry_delay_seconds: z.number(),
  status: z.literal('active'),
  warm_start: warmStartSchema,
  created_at: z.string(),
  updated_at: z.string(),
  created_by: z.string(),
});
export type FunctionRecord = z.infer<typeof functionRecordSchema>;

/** What the engine keeps of a version: the public record and the settings that the record does not show. */
export interface FunctionVersion extends FunctionRecord {
  metadata: FunctionMetadata;
}
