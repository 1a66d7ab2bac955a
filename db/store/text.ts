/** With the `u` flag, a surrogate pair is one code point: only unpaired surrogates match. */
const UNREADABLE = /\0|\p{Surrogate}/gu;

/**
 * Replaces NUL and unpaired surrogates. SQLite's JSON functions turn an unpaired surrogate into
 * invalid UTF-8, which makes libsql abort the process when it is read, and end a text at a NUL.
 * Bound values are not affected.
 */
export function cleanText(text: string): string {
  return text.replace(UNREADABLE, '\ufffd');
}
