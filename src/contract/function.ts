import * as z from 'zod';
import { cronFaultOf } from './cron.js';
import { isHostRule } from './host-rules.js';
import { httpFunctionSchema } from './http-function.js';
import { functionNameSchema, namespaceSchema } from './ids.js';
import { MAX_FUNCTION_MEMORY_MB } from './limits.js';
import { show } from './show.js';

/** A schema for an integer in a range; the error contains the value and the range. */
export function whole(min: number, max: number, unit = '') {
  const error = (issue: { input?: unknown }) =>
    `must be a whole number from ${min} to ${max}${unit}, not ${show(issue.input)}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** A schema for a number of seconds, which may have a fraction. */
export function seconds(min: number, max: number) {
  const error = (issue: { input?: unknown }) =>
    `must be a number of seconds from ${min} to ${max}, not ${show(issue.input)}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/**
 * A topic name or, in a trigger, a pattern: segments separated by `:`; `*` matches one segment, `>`
 * the rest.
 */
export const topicSchema = z
  .string()
  .min(1)
  .max(256, { abort: true })
  .regex(/^[^\s\p{Cc}]+$/u, {
    error: (issue) => `may hold no blanks or control characters: ${show(issue.input)}`,
  });

export const memorySchema = whole(1, MAX_FUNCTION_MEMORY_MB, ' MB');
export const timeoutSchema = whole(1, 300, ' seconds');
export const retryCountSchema = whole(0, 25);
export const retryDelaySchema = seconds(0, 3600);
export const backoffSchema = z.enum(['fixed', 'exponential']);
/** Each version keeps its `env`, so its size is limited as a whole. */
const MAX_ENV_BYTES = 128 << 10;

export const envSchema = z
  .record(
    z.string().min(1),
    z.string({ error: (issue) => `must be a string, not ${show(issue.input)}; put it in quotes` }),
  )
  .refine((env) => envBytes(env) <= MAX_ENV_BYTES, {
    error: (issue) =>
      `may have at most ${MAX_ENV_BYTES} bytes of names and values in all, not ${envBytes(issue.input)}; ` +
      'keep larger data in storage or the database',
  });

function envBytes(env: unknown): number {
  const texts = Object.entries(env ?? {}).flat();
  return new TextEncoder().encode(texts.join('')).byteLength;
}
const concurrencySchema = whole(1, 10_000);
const allowedHostSchema = z
  .string()
  .min(1)
  .max(253, { abort: true })
  .refine(isHostRule, {
    error: (issue) =>
      `must be a host, host:port, network or *.suffix such as "api.example.com", not ${show(issue.input)}`,
  });
const allowedHostsSchema = z.array(allowedHostSchema).max(100);

const cronSchema = z
  .string()
  .min(1)
  .max(256, { abort: true })
  .superRefine((pattern, context) => {
    const fault = cronFaultOf(pattern);
    if (fault === null) return;
    const message = `must be a cron expression that is due at some time, such as "*/5 * * * *", not ${show(pattern)}: ${fault}`;
    context.addIssue({ code: 'custom', message });
  });
const timezoneSchema = z
  .string()
  .min(1)
  .max(64, { abort: true })
  .refine(isTimezone, {
    error: (issue) => `must be a time zone such as "Europe/Berlin", not ${show(issue.input)}`,
  });

/** `skip`: a tick is skipped while the previous run is still active. */
const overlapSchema = z.enum(['allow', 'skip']);
/** `none`: ticks missed while all processes were down are skipped. */
const catchUpSchema = z.enum(['one', 'none']);

export const triggerSpecSchema = z.union(
  [
    z.strictObject({ topic: topicSchema }),
    z.strictObject({
      cron: cronSchema,
      timezone: timezoneSchema.optional(),
      overlap: overlapSchema.optional(),
      catch_up: catchUpSchema.optional(),
    }),
  ],
  {
    error: (issue) =>
      `must hold either topic, or cron with timezone, overlap and catch_up, not ${show(issue.input)}`,
  },
);
export type TriggerSpec = z.infer<typeof triggerSpecSchema>;

/** Settings that have the same names and forms in function.yaml and in `metadata`. */
export const sameInFunctionYaml = {
  on_success: topicSchema.optional(),
  on_failure: topicSchema.optional(),
  concurrency: concurrencySchema.optional(),
  allowed_hosts: allowedHostsSchema.optional(),
  http: httpFunctionSchema.optional(),
  trace: z.boolean().optional(),
};

/** Settings without a form field of their own, sent in `metadata`. */
export const functionMetadataSchema = z.strictObject({
  env: envSchema.default({}),
  retry_backoff: backoffSchema.default('fixed'),
  triggers: z.array(triggerSpecSchema).max(100).default([]),
  ...sameInFunctionYaml,
});
export type FunctionMetadata = z.infer<typeof functionMetadataSchema>;

/** All settings of a function, whether parsed from function.yaml or from the form. */
export const functionSettingsSchema = z.strictObject({
  name: functionNameSchema,
  is_public: z.boolean().default(false),
  memory_limit_mb: memorySchema.default(64),
  timeout_seconds: timeoutSchema.default(30),
  retry_count: retryCountSchema.default(0),
  retry_delay_seconds: retryDelaySchema.default(5),
  metadata: functionMetadataSchema,
});
export type FunctionSettings = z.infer<typeof functionSettingsSchema>;

export const warmStartSchema = z.enum(['fresh', 'reactor', 'go-command']);
export type WarmStart = z.infer<typeof warmStartSchema>;

/** The function record of contract §4, also used for versions. Times are RFC 3339 in UTC. */
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
  /** Why a faster start strategy is not used; null if the function starts warm. */
  warm_start_reason: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
  created_by: z.string(),
  /** Name of the API key in `created_by`, also if it was revoked since; null for wallets. */
  created_by_name: z.string().nullable().default(null),
  /** Description of the change, as given by the deployer, and the git commit that was built. */
  message: z.string().nullable().default(null),
  git_commit: z.string().nullable().default(null),
});
export type FunctionRecord = z.infer<typeof functionRecordSchema>;

/** A version as stored: the public record with the settings that it does not show. */
export interface FunctionVersion extends FunctionRecord {
  metadata: FunctionMetadata;
  /** The probe was inconclusive and will be repeated. */
  probe_pending?: true;
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
