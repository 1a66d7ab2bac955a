/**
 * Returns the SQL condition that the column `function` matches one of the patterns, which are its
 * bindings. GLOB gives a meaning only to the `*` of a pattern, because all its other characters are
 * those of names.
 */
export function matchesOne(patterns: readonly string[]): string {
  return `(${patterns.map(() => 'function glob ?').join(' or ') || 'false'})`;
}
