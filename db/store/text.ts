/** With `u` a pair is one code point: only a half without its other half is matched. */
const UNREADABLE = /\0|\p{Surrogate}/gu;

/**
 * Text that SQLite's JSON functions can take: they make invalid UTF-8 of half a surrogate pair, at
 * which libsql aborts the process when it is read, and a text ends at a NUL. Bound values need none
 * of this.
 */
export function cleanText(text: string): string {
  return text.replace(UNREADABLE, '\ufffd');
}
