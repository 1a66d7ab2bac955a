import { InvalidArgumentError } from 'commander';
import { isRealDay } from '../contract/moment.js';

/** A whole number as an option's or argument's value; anything else is wrong usage. */
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

/** A moment: `10m`, `2h`, `1d` ago, or a date. As the API wants it: RFC 3339 in UTC. */
export function moment(text: string): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const seconds = unit === undefined ? undefined : UNITS[unit];
  // Other notations than RFC 3339 are left to Date, which knows many.
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
