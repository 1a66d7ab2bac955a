/** Control and format characters, which are invisible or can change the direction of text. */
const HIDDEN = /[\p{Cc}\p{Cf}]/gu;
const ORDINARY: ReadonlySet<string> = new Set(['\t', '\n']);

/** Escapes invisible characters. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (char) =>
    ORDINARY.has(char) ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/**
 * Returns the beginning of a text as one line. Use it where the whole text is available elsewhere.
 */
export function brief(text: string, length = 200): string {
  const line = visible(text.slice(0, length * 2)).replaceAll(/\s+/g, ' ');
  return line.length > length || text.length > length * 2 ? `${line.slice(0, length)}…` : line;
}

/** The maximum length of names and other labels. */
const MAX_LABEL = 80;

/** Shortens a name or another label, which is usually short. */
export function label(text: string): string {
  return brief(text, MAX_LABEL);
}

/** The maximum number of characters of a text that are shown. */
export const MAX_SHOWN = 4096;

/** Shortens a long text and states how much was omitted. */
export function cut(text: string): string {
  if (text.length <= MAX_SHOWN) return visible(text);
  return `${visible(text.slice(0, MAX_SHOWN))}… (${count(text.length - MAX_SHOWN)} more characters)`;
}

export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined) return '–';
  if (count < 1024) return `${count} B`;
  let value = count / 1024;
  let unit = 'KB';
  // A value that would be rounded to 1024.0 belongs to the next unit.
  for (const next of ['MB', 'GB']) {
    if (value < 1023.95) break;
    value /= 1024;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

/** Says that a text has more bytes than the engine takes; undefined if it has not. */
export function tooLong(text: string, max: number): string | undefined {
  // No character takes more than three bytes for each of its UTF-16 units.
  const size = text.length * 3 <= max ? 0 : new TextEncoder().encode(text).length;
  return size <= max ? undefined : `Too long: ${count(size)} of at most ${count(max)} bytes.`;
}

export function milliseconds(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 10) return `${Number(ms.toFixed(2))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return seconds(ms / 1000);
}

export function seconds(exact: number): string {
  if (exact < 59.95) return `${Number(exact.toFixed(exact < 10 ? 2 : 1))} s`;
  const total = Math.round(exact);
  if (total < 3600) return `${Math.floor(total / 60)} min ${total % 60} s`;
  if (total < 86_400) return `${Math.floor(total / 3600)} h ${Math.floor((total % 3600) / 60)} min`;
  return `${Math.floor(total / 86_400)} d ${Math.floor((total % 86_400) / 3600)} h`;
}

const COUNT = new Intl.NumberFormat('en');
export function count(value: number): string {
  return COUNT.format(value);
}

/** A share of some is never shown as of none, nor a share of most as of all. */
export function percent(part: number, whole: number): string {
  const text = ((100 * part) / whole).toFixed(1);
  if (text === '0.0' && part > 0) return '< 0.1 %';
  if (text === '100.0' && part < whole) return '> 99.9 %';
  return `${text} %`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const MAX_DEPTH = 100;

/**
 * Indents a JSON text without changing numbers or strings. Returns null if it is not a JSON object
 * or array, or is deeper than MAX_DEPTH: the indentation grows with the square of the depth.
 */
export function indentedJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let depth = 0;
  let indented = '';
  let last = '';
  // Matches strings, brackets, separators, and the text between them.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    const ends = token === '}' || token === ']';
    if (ends) depth--;
    // A new line after a bracket or a comma and before a bracket, but not within an empty pair.
    if (last === '{' || last === '[' ? !ends : ends || last === ',') {
      indented += `\n${'  '.repeat(depth)}`;
    }
    indented += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth++;
    if (depth > MAX_DEPTH) return null;
    last = token;
  }
  return indented;
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** Formats bytes like `hexdump -C`. */
export function hexDump(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += 16) {
    const row = [...data.subarray(at, at + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}

/** Quotes a word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns bytes as text if they are valid UTF-8, and otherwise as Base64. */
export function outputOf(data: Uint8Array): { text?: string; base64?: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data) };
  } catch {
    let binary = '';
    for (const byte of data) binary += String.fromCharCode(byte);
    return { base64: btoa(binary) };
  }
}
