const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|[+-](\d\d):(\d\d)))?$/;

/**
 * Returns whether a date or an RFC 3339 time exists: `Date.parse` turns February 30 into a day in
 * March.
 */
export function isRealTime(text: string): boolean {
  const match = ISO.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zoneHour = 0, zoneMinute = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  return (
    isDay(year, month, day) && Math.max(hour, zoneHour) < 24 && Math.max(minute, second, zoneMinute) < 60
  );
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
