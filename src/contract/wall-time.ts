import { DAY_MS } from './limits.js';

/**
 * More than there are time zones; their names are accepted in any spelling with capital letters.
 */
const MAX_FORMATS = 1000;

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Returns what a clock on the wall of a time zone shows at a time (Unix milliseconds), as the time
 * at which a clock of UTC shows the same. Without the fraction of the second.
 */
export function wallTimeOf(at: number, timezone: string): number {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    if (formats.size >= MAX_FORMATS) formats.clear();
    formats.set(timezone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/**
 * Returns when the clock shows a wall time: the first time if it is set back and shows it twice,
 * and when it is set forward if it skips it.
 */
export function timeOf(wall: number, timezone: string): number {
  // Two changes are more than a day apart.
  const [before, after] = [wall - DAY_MS, wall + DAY_MS].map((at) => wall - offsetAt(at, timezone)) as [
    number,
    number,
  ];
  if (wallTimeOf(before, timezone) === wall) return before;
  if (wallTimeOf(after, timezone) === wall) return after;
  let [unchanged, changed] = [after, before];
  while (changed - unchanged > 1000) {
    const middle = unchanged + Math.floor((changed - unchanged) / 2000) * 1000;
    if (wallTimeOf(middle, timezone) < wall) unchanged = middle;
    else changed = middle;
  }
  return changed;
}

function offsetAt(at: number, timezone: string): number {
  return wallTimeOf(at, timezone) - at;
}
