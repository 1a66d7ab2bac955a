import * as z from 'zod';
import { show } from './show.js';

const SECONDS = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };
const PART = /(\d{1,9}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h|d)/g;
const DURATION = /^(\d{1,9}|(\d{1,9}(\.\d{1,9})?(ns|us|µs|ms|s|m|h|d)){1,8})$/;

/**
 * A duration in Go's notation (`1h30m`, `1.5s`), also with `d` for days, or a number of seconds.
 * Parsed to seconds.
 */
export const durationSchema = z
  .string()
  .regex(DURATION, {
    error: ({ input }) => `must be a duration such as "5m", "30s" or "1h30m", not ${show(input)}`,
  })
  .transform((text) => {
    if (/^\d+$/.test(text)) return Number(text);
    let seconds = 0;
    for (const [, amount, unit] of text.matchAll(PART))
      seconds += Number(amount) * SECONDS[unit as keyof typeof SECONDS];
    return seconds;
  });
