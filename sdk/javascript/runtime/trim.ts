/**
 * Removes characters from both ends of a text, in linear time: an expression such as `[ ]+$` takes
 * quadratic time for a text with a long run of spaces inside.
 */
export function trim(text: string, characters: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text.charAt(start))) start++;
  while (end > start && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
