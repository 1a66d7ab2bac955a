import * as z from 'zod';
import { versionNumberSchema } from '../alias.js';
import { functionRecordSchema, functionSettingsSchema, warmStartSchema } from '../function.js';
import { functionNameSchema, namespaceSchema } from '../ids.js';
import { gitCommitSchema, versionMessageSchema } from '../version-origin.js';
import { namespaceQuery } from './common.js';

/** The file part of POST /v1/functions; the form fields are defined in contract/form.ts. */
export const WASM_FIELD = 'wasm';

export const deployReplySchema = z.object({ message: z.string(), function: functionRecordSchema });

/** Strict, as a misspelled `dry_run` would deploy. */
export const deployQuerySchema = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .describe(
      '`true`: validate settings, module, routes, schedules and quotas like a deploy, without storing anything.',
    ),
});

/** What a deploy with `dry_run=true` would have stored. */
export const deployCheckSchema = z.object({
  message: z.string(),
  wasm_cid: z.string(),
  warm_start: warmStartSchema,
});

export const settingsQuerySchema = z.object({
  namespace: namespaceQuery,
  version: versionNumberSchema.optional().describe('Default: the newest version.'),
});

/** The settings that a version was deployed with. */
export const settingsReplySchema = z.object({
  version: z.number().int(),
  wasm_cid: z.string(),
  settings: functionSettingsSchema,
});

export const functionsReplySchema = z.object({
  functions: z.array(functionRecordSchema),
  count: z.number().int(),
});

export const versionsReplySchema = z.object({
  versions: z.array(functionRecordSchema),
  count: z.number().int(),
});

export const rollbackBodySchema = z.strictObject({ version: versionNumberSchema });

/** The form fields as clients send them, as text. contract/form.ts parses and validates them. */
export const deployFieldsSchema = z.strictObject({
  name: functionNameSchema,
  namespace: namespaceSchema.optional(),
  is_public: z.enum(['true', 'false']).optional(),
  memory_limit_mb: z.string().optional().describe('1–256, default 64.'),
  timeout_seconds: z.string().optional().describe('1–300, default 30.'),
  retry_count: z.string().optional().describe('0–25, default 0.'),
  retry_delay_seconds: z.string().optional().describe('0–3600, default 5.'),
  message: versionMessageSchema.optional().describe('What changed, in a line: shown with the version.'),
  git_commit: gitCommitSchema.optional().describe('What it was built from: shown with the version.'),
  metadata: z
    .string()
    .optional()
    .describe(
      'JSON: `env`, `retry_backoff`, `triggers`, `on_success`, `on_failure`, `concurrency`, `allowed_hosts`, `http`, `trace`.',
    ),
});
