import { Cron } from 'croner';

/** Five fields, six with seconds in front, or a nickname such as @daily. */
const SHAPE = /^\s*(@[a-z]+|\S+(\s+\S+){4,5})\s*$/;

/**
 * The next time after `after` (Unix milliseconds) that a schedule is due; null when there is none. A time of day that a
 * change of clocks leaves out is due at the change, one that comes twice is due once, as cron.d has it.
 */
export function nextRunAfter(pattern: string, timezone: string, after: number): number | null {
  return new Cron(pattern, { timezone, paused: true }).nextRun(new Date(after))?.getTime() ?? null;
}

/** Whether the pattern is one, and comes due some day (0 0 31 2 * never does). */
export function isCron(pattern: string): boolean {
  try {
    return SHAPE.test(pattern) && nextRunAfter(pattern, 'UTC', Date.now()) !== null;
  } catch {
    return false;
  }
}
