import { InvalidArgumentError } from 'commander';
import { isRealTime } from '../contract/moment.js';

/**
 * Returns a parser for an integer option or argument. Throws InvalidArgumentError if the value is
 * out of range.
 */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Returns a parser for a duration (`60s`, `5m`, `2h`, `1d`, or a number of seconds) to whole
 * seconds from 1 to `max`.
 */
export function duration(max: number): (text: string) => number {
  return (text) => {
    const [, count, unit = 's'] = /^(\d+)([smhd])?$/.exec(text) ?? [];
    const seconds = Number(count) * (UNITS[unit] ?? 1);
    if (count === undefined || seconds < 1 || seconds > max) {
      throw new InvalidArgumentError(
        `It must be a length of time such as 60s, 5m or 2h, from 1 to ${max} seconds.`,
      );
    }
    return seconds;
  };
}

/** Parses a past time, either an age (`10m`, `2h`, `1d`) or a date, to RFC 3339 in UTC. */
export function moment(text: string): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNITS[unit];
  const at = seconds === undefined ? timeOf(text) : Date.now() - Number(count) * seconds * 1000;
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError(
      'It must be a time such as 2026-01-31T12:00:00Z, or an age such as 10m, 2h, 1d.',
    );
  }
  return new Date(at).toISOString();
}

/**
 * Parses a date (`2026-01-31`) or a time (`2026-01-31T12:00:00Z`; without a zone it is local).
 * Returns NaN for other formats and for times that do not exist, such as February 30, for both of
 * which `Date.parse` may find a time.
 */
function timeOf(text: string): number {
  const [, date, time = '', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const exists = date !== undefined && isRealTime(time === '' ? date : `${date}T${time}${zone}`);
  return exists ? Date.parse(text.replace(' ', 'T')) : Number.NaN;
}

/** Parses a future time, either an offset (`30m`, `12h`, `90d`) or a date, to RFC 3339 in UTC. */
export function momentAhead(text: string): string {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNITS[unit];
  const at = seconds === undefined ? timeOf(text) : Date.now() + Number(count) * seconds * 1000;
  const date = new Date(at);
  if (!(at > Date.now()) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError(
      'It must be a time to come, such as 2027-01-31T12:00:00Z, or how long from now, such as 12h or 90d.',
    );
  }
  return date.toISOString();
}

/** Parses text that is sent in a header, which holds no control characters and only Latin ones. */
export function headerText(maxLength: number): (text: string) => string {
  return (text) => {
    if (!/^[ -~\xa0-\xff]+$/.test(text) || text.length > maxLength) {
      throw new InvalidArgumentError(
        `It must be 1–${maxLength} letters, digits and other characters of ASCII on one line.`,
      );
    }
    return text;
  };
}

/** Parses a comma-separated list: `deploy,read` */
export function commaSeparated(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}
