import * as z from 'zod';
import { functionNameSchema } from '../ids.js';
import { show } from '../show.js';
import { namespaceQuery } from './common.js';

const MAX_MINUTES = 1440;
const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440 };

/** Converts `5m`, `1h` or `1d` to minutes; returns 0 for any other text. */
export function windowMinutes(text: string): number {
  const [, count = '0', unit = 'm'] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
  return Number(count) * (MINUTES[unit] ?? 0);
}

export const statsQuerySchema = z.object({
  namespace: namespaceQuery,
  window: z
    .string()
    .refine((text) => windowMinutes(text) >= 1 && windowMinutes(text) <= MAX_MINUTES, {
      error: ({ input }) => `must be a time from "1m" to "1d", such as "30m" or "6h", not ${show(input)}`,
    })
    .optional()
    .describe('Length of the window: default `1h`, at most `1d`.'),
  function: functionNameSchema.optional().describe('Only one function.'),
});

const count = z.number().int();

export const statsReplySchema = z.object({
  per_minute: z.array(
    z.object({
      minute: z.string().describe('Start of the minute.'),
      accepted: count.describe('Invocations accepted in this minute that have ended; by state below.'),
      success: count,
      error: count,
      timeout: count,
      dead: count,
      p50_ms: z.number().nullable().describe('Durations of their last attempts; null if none has ended.'),
      p95_ms: z.number().nullable(),
    }),
  ),
  now: z.object({
    waiting: count.describe('Jobs whose first attempt is due, and jobs that wait for a retry.'),
    delayed: count.describe('Jobs whose first attempt is not yet due.'),
    running: count,
    oldest_waiting_s: count.describe('Age of the oldest waiting job; 0 if there is none.'),
  }),
});
