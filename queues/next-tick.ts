import type { RepeatStrategy } from 'bullmq';
import { nextRunAfter } from '../src/contract/cron.js';

/**
 * When a schedule of BullMQ is due next. In place of BullMQ's own, which leaves out days on which
 * clocks change.
 */
export const nextTick: RepeatStrategy = (after, { pattern, tz }) =>
  pattern === undefined ? undefined : (nextRunAfter(pattern, tz ?? 'UTC', after) ?? undefined);
