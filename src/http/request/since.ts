import { DAY_MS, HOUR_MS } from '../../contract/limits.js';

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: HOUR_MS, d: DAY_MS };

/**
 * Converts a time that the schema has validated (RFC 3339, Unix milliseconds or an age) to Unix
 * milliseconds.
 */
export function parseSince(text: string, now: number = Date.now()): number {
  const age = /^(\d+)([smhd])$/.exec(text);
  if (age) return now - Number(age[1]) * (UNITS[age[2] ?? ''] ?? 0);
  if (/^\d+$/.test(text)) return Number(text);
  return Date.parse(text);
}
