import { InvalidArgumentError } from 'commander';
import { isRealDay } from '../contract/moment.js';

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

/** Parses a duration (`60s`, `5m`, `2h`, `1d`, or a number of seconds) to whole seconds. */
export function duration(text: string): number {
  const [, count, unit = 's'] = /^(\d+)([smhd])?$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS[unit] ?? 1);
  if (count === undefined || seconds < 1) {
    throw new InvalidArgumentError('It must be a length of time such as 60s, 5m, 2h or 1d.');
  }
  return seconds;
}

/** Parses a past time, either an age (`10m`, `2h`, `1d`) or a date, to RFC 3339 in UTC. */
export function moment(text: string): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNITS[unit];
  // Other formats than RFC 3339 are parsed by Date, which accepts many.
  const isImpossible = /^\d{4}-\d\d-\d\d/.test(text) && !isRealDay(text);
  const given = isImpossible ? Number.NaN : Date.parse(text);
  const at = seconds === undefined ? given : Date.now() - Number(count) * seconds * 1000;
  if (Number.isNaN(at)) {
    throw new InvalidArgumentError(
      'It must be a time such as 2026-01-31T12:00:00Z, or an age such as 10m, 2h, 1d.',
    );
  }
  return new Date(at).toISOString();
}

/** Parses a future time, either an offset (`30m`, `12h`, `90d`) or a date, to RFC 3339 in UTC. */
export function momentAhead(text: string): string {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNITS[unit];
  const at = seconds === undefined ? Date.parse(text) : Date.now() + Number(count) * seconds * 1000;
  const date = new Date(at);
  if (!(at > Date.now()) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError(
      'It must be a time to come, such as 2027-01-31T12:00:00Z, or how long from now, such as 12h or 90d.',
    );
  }
  return date.toISOString();
}

/** Parses a comma-separated list: `deploy,read` */
export function commaSeparated(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}
