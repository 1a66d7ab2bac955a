import { Cron } from 'croner';
import { messageOf } from '../errors.js';
import { HOUR_MS } from './limits.js';
import { timeOf, wallTimeOf } from './wall-time.js';

const MINUTE_MS = 60_000;
/** Five fields, six with a leading seconds field, or a nickname such as @daily. */
const SHAPE = /^\s*(@[a-z]+|\S+(\s+\S+){4,5})\s*$/;
/** A field of hours that names all of them. */
const EVERY_HOUR = /^(\*|\?|0-23)(\/1)?$/;

/**
 * Returns the next time after `after` (Unix milliseconds) at which a schedule is due, or null if
 * there is none. A time of day that a DST change skips is due at the change, and one that occurs
 * twice is due once. A schedule of every hour is not one of times of day: it continues every hour.
 */
export function nextRunAfter(pattern: string, timezone: string, after: number): number | null {
  // Croner does this only for a single time of day; runs of `0 2,14 * * *` would be left out or
  // doubled.
  if (hasTimesOfDay(pattern)) return nextOfTimesOfDay(pattern, timezone, after);
  return nextRun(new Cron(pattern, { timezone, paused: true }), after);
}

function hasTimesOfDay(pattern: string): boolean {
  const hours = pattern.trim().split(/\s+/).at(-4);
  // A nickname has no fields.
  return hours !== undefined && !EVERY_HOUR.test(hours);
}

/** Computes the runs on a wall clock without changes, and then when that clock shows them. */
function nextOfTimesOfDay(pattern: string, timezone: string, after: number): number | null {
  const cron = new Cron(pattern, { timezone: 'UTC', paused: true });
  let wall: number | null = wallTimeOf(after, timezone);
  for (;;) {
    wall = nextRun(cron, wall);
    if (wall === null) return null;
    const at = timeOf(wall, timezone);
    // A wall time that occurs twice has passed before it occurs again.
    if (at > after) return at;
  }
}

function nextRun(cron: Cron, after: number): number | null {
  return cron.nextRun(new Date(after))?.getTime() ?? null;
}

/** Returns the number of runs in an hour in which the schedule is due: minutes times seconds. */
export function runsPerHourOf(pattern: string): number {
  const fields = pattern.trim().split(/\s+/);
  // Nicknames are due at most once per hour.
  if (fields.length < 5) return 1;
  const [second = '0', minute = '*'] = fields.length === 6 ? fields : ['0', ...fields];
  return countRuns(`0 ${minute} * * * *`, HOUR_MS) * countRuns(`${second} * * * * *`, MINUTE_MS);
}

/** Counts the runs within a period that is aligned to its own length. */
function countRuns(pattern: string, withinMs: number): number {
  let count = 0;
  for (let at = nextRunAfter(pattern, 'UTC', -1); at !== null && at < withinMs; count++) {
    at = nextRunAfter(pattern, 'UTC', at);
  }
  return count;
}

/**
 * Returns why a pattern is no schedule, or null if it is one: it is not valid, or never due (`0 0
 * 31 2 *`).
 */
export function cronFaultOf(pattern: string): string | null {
  const fields = pattern.trim().split(/\s+/);
  if (!SHAPE.test(pattern)) {
    return `it has ${fields.length} field${fields.length === 1 ? '' : 's'} instead of 5 (minute, hour, day, month, weekday)`;
  }
  try {
    return nextRunAfter(pattern, 'UTC', Date.now()) === null ? 'it is never due' : null;
  } catch (error) {
    if (fields.length === 1) return `${fields[0]} is none of @hourly, @daily, @weekly, @monthly, @yearly`;
    const reason = messageOf(error)
      .replace(/^CronPattern: /, '')
      .replace(/\.$/, '');
    return reason.charAt(0).toLowerCase() + reason.slice(1);
  }
}
