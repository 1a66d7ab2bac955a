import { Cron } from 'croner';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Five fields, six with seconds in front, or a nickname such as @daily. */
const SHAPE = /^\s*(@[a-z]+|\S+(\s+\S+){4,5})\s*$/;

/**
 * The next time after `after` (Unix milliseconds) that a schedule is due; null when there is none.
 * A time of day that a change of clocks leaves out is due at the change, one that comes twice is
 * due once, as cron.d has it.
 */
export function nextRunAfter(pattern: string, timezone: string, after: number): number | null {
  return new Cron(pattern, { timezone, paused: true }).nextRun(new Date(after))?.getTime() ?? null;
}

/** Runs in an hour in which the schedule is due: its minutes times its seconds. */
export function runsPerHourOf(pattern: string): number {
  const fields = pattern.trim().split(/\s+/);
  // Nicknames are due once an hour at most.
  if (fields.length < 5) return 1;
  const [second = '0', minute = '*'] = fields.length === 6 ? fields : ['0', ...fields];
  return countRuns(`0 ${minute} * * * *`, HOUR_MS) * countRuns(`${second} * * * * *`, MINUTE_MS);
}

/** Runs within a time that begins at one of its own whole multiples. */
function countRuns(pattern: string, withinMs: number): number {
  let count = 0;
  for (let at = nextRunAfter(pattern, 'UTC', -1); at !== null && at < withinMs; count++) {
    at = nextRunAfter(pattern, 'UTC', at);
  }
  return count;
}

/** Whether the pattern is one, and comes due some day (0 0 31 2 * never does). */
export function isCron(pattern: string): boolean {
  try {
    return SHAPE.test(pattern) && nextRunAfter(pattern, 'UTC', Date.now()) !== null;
  } catch {
    return false;
  }
}
