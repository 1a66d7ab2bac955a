/**
 * Returns whether a Unix time in seconds differs from `now` (milliseconds) by at most `tolerance`
 * seconds.
 */
export function isRecent(text: string | undefined, now: number, tolerance: number): boolean {
  if (text === undefined || !/^\d{1,12}$/.test(text)) return false;
  return Math.abs(now / 1000 - Number(text)) <= tolerance;
}
