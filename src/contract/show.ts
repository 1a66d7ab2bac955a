const LONGEST = 80;

/** Formats an invalid value for an error message, as truncated JSON. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const text = isNumber ? String(value) : (JSON.stringify(value, withDigits) ?? String(value));
  return shorten(text);
}

/** Truncates a text that a caller has chosen, such as a key, for an error message. */
export function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** JSON has no representation of bigints. */
function withDigits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
