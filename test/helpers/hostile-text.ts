function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/**
 * All control characters except tab and newline, the separators, and all bidirectional controls.
 */
export const FORBIDDEN = [
  ...range(0x00, 0x08),
  ...range(0x0b, 0x1f),
  ...range(0x7f, 0x9f),
  0x061c,
  0x200e,
  0x200f,
  ...range(0x2028, 0x202e),
  ...range(0x2066, 0x2069),
].map((code) => String.fromCharCode(code));

const SEQUENCES = [
  '\u001b[2J\u001b[H',
  '\u001b]0;title\u0007',
  '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\',
  '\u001b]52;c;ZXZpbA==\u0007',
  '\u009b31m',
  'done\rfailed',
  '\u202egpj.exe',
];

/**
 * Text that would clear the screen, set titles and the clipboard, forge links, and turn text round.
 */
export const HOSTILE = `${FORBIDDEN.join('x')}${SEQUENCES.join(' ')}`;

/** Returns the code points of forbidden characters in a text. */
export function forbiddenIn(out: string): string[] {
  return FORBIDDEN.filter((character) => out.includes(character)).map((one) =>
    one.charCodeAt(0).toString(16),
  );
}
