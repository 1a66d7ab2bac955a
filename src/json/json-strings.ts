const BACKSLASH = 0x5c;

/**
 * Returns the position after the closing quote of a JSON string; `start` is that of the opening
 * quote. The length of the text if there is none.
 */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    if (!isEscaped(text, at, start)) return at + 1;
  }
  return text.length;
}

/** Returns whether an odd number of backslashes stands before the quote. */
function isEscaped(text: string, at: number, start: number): boolean {
  let before = at - 1;
  while (before > start && text.charCodeAt(before) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 0;
}

/**
 * Returns whether a JSON text has at most `most` characters outside of strings and quotes inside of
 * them together. These determine the time to parse it; the rest of a string costs next to nothing.
 */
export function isSimple(text: string, most: number): boolean {
  let left = most;
  let inString = false;
  for (let from = 0; left >= 0; ) {
    const quote = text.indexOf('"', from);
    if (!inString) left -= (quote < 0 ? text.length : quote) - from;
    if (quote < 0) return left >= 0;
    if (!inString) inString = true;
    else if (isEscaped(text, quote, from - 1)) left -= 1;
    else inString = false;
    from = quote + 1;
  }
  return false;
}
