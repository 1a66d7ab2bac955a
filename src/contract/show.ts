const LONGEST = 80;

/** A refused value as it is quoted in the sentence that refuses it: JSON, cut when long. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  const text = isNumber ? String(value) : (JSON.stringify(value, withDigits) ?? String(value));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** JSON has no form for a bigint of its own. */
function withDigits(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
