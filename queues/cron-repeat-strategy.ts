import type { RepeatStrategy } from 'bullmq';
import { nextRunAfter } from '../src/contract/cron.js';

/**
 * The repeat strategy for BullMQ's job schedulers: returns the next run after a time (Unix
 * milliseconds). Replaces BullMQ's own strategy, which skips days on which the clock changes.
 */
export const cronRepeatStrategy: RepeatStrategy = (after, { pattern, tz }) =>
  pattern === undefined ? undefined : (nextRunAfter(pattern, tz ?? 'UTC', after) ?? undefined);
