import { isUtf8 } from 'node:buffer';

/**
 * The serialized text of a JSON value. It is embedded in a larger JSON text verbatim, so that no
 * number is rounded and no key is reordered or dropped.
 */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Serializes an object as `JSON.stringify` does; members of type `JsonText` are inserted verbatim.
 */
export function stringifyWith(members: Readonly<Record<string, unknown>>): string {
  let written = '';
  for (const name of Object.keys(members)) {
    const value = members[name];
    const text = value instanceof JsonText ? value.text : JSON.stringify(value);
    if (text === undefined) continue;
    written += `${written === '' ? '' : ','}${JSON.stringify(name)}:${text}`;
  }
  return `{${written}}`;
}

/**
 * Returns the bytes as JSON text without surrounding whitespace if they are valid JSON, and
 * otherwise a JSON string with their content.
 */
export function jsonTextOf(bytes: Uint8Array): JsonText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  // Decoding invalid UTF-8 inserts replacement characters, so the result would not be the original
  // JSON.
  return (isUtf8(buffer) ? toJsonText(text) : null) ?? new JsonText(JSON.stringify(text));
}

/** Returns the text without surrounding whitespace, or null if it is not valid JSON. */
export function toJsonText(text: string): JsonText | null {
  return isJson(text) ? new JsonText(trimJson(text)) : null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * `String.prototype.trim` would also remove Unicode whitespace that JSON does not allow (RFC 8259
 * §2).
 */
function trimJson(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Returns true for JSON whitespace: space, tab, line feed, carriage return (RFC 8259 §2). */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
