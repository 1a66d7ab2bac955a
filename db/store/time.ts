/** RFC 3339 in UTC, as records carry it. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
