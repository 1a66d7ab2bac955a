import * as z from 'zod';
import { versionNumberSchema } from './alias.js';
import { whole } from './function.js';
import { show } from './show.js';

const percent = (issue: { input?: unknown }) =>
  `must be a number of percent from 0 to 100, not ${show(issue.input)}`;

const stepsSchema = z
  .array(whole(1, 100, ' percent'))
  .min(1)
  .max(20, { abort: true })
  .refine((steps) => steps.every((step, index) => index === 0 || step > (steps[index - 1] ?? 0)), {
    error: (issue) => `must rise from step to step, not ${show(issue.input)}`,
  });

/** The request that starts a rollout. */
export const rolloutRequestSchema = z.strictObject({
  to: versionNumberSchema,
  steps: stepsSchema.default([5, 25, 50]),
  every_seconds: whole(1, 86_400, ' seconds').default(60),
  max_error_percent: z
    .number({ error: percent })
    .min(0, { error: percent })
    .max(100, { error: percent })
    .default(2),
  min_calls: whole(1, 1_000_000).default(20),
  max_p95_ms: whole(1, 300_000, ' ms').optional(),
});
export type RolloutRequest = z.infer<typeof rolloutRequestSchema>;

const ROLLOUT_STATES = ['running', 'completed', 'rolled_back', 'aborted'] as const;

export const rolloutRecordSchema = z.object({
  function: z.string(),
  to: versionNumberSchema,
  from: versionNumberSchema,
  state: z.enum(ROLLOUT_STATES),
  /** Percentage of invocations that currently go to `to`. */
  percent: z.number(),
  steps: z.array(z.number()),
  every_seconds: z.number(),
  max_error_percent: z.number(),
  min_calls: z.number(),
  max_p95_ms: z.number().nullable(),
  /** Figures of `to` in the current step, or in the last step if the rollout has ended. */
  calls: z.number(),
  errors: z.number(),
  p95_ms: z.number().nullable(),
  reason: z.string().nullable(),
  started_at: z.string(),
  updated_at: z.string(),
});
export type RolloutRecord = z.infer<typeof rolloutRecordSchema>;

/** Topic on which a namespace is notified of the end of its rollouts. */
export const ROLLOUT_TOPIC = 'orama:rollout';
