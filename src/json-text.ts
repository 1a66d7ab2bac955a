import { isUtf8 } from 'node:buffer';

/**
 * The text of a JSON value, which goes into a larger text as it is: no number is rounded, no key
 * moved or dropped.
 */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** As `JSON.stringify` writes an object, but for the members that are texts already. */
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
 * The bytes' own text from its first to its last non-blank character if it is JSON, else a JSON
 * string of it.
 */
export function jsonTextOf(bytes: Uint8Array): JsonText {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  // What is not UTF-8 would be JSON only with other characters in the place of its own.
  return (isUtf8(buffer) ? toJsonText(text) : null) ?? new JsonText(JSON.stringify(text));
}

/** Without the blanks around it; null for what is no JSON. */
export function toJsonText(text: string): JsonText | null {
  return isJson(text) ? new JsonText(withoutBlanks(text)) : null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Not `trim`: Unicode has more blanks than JSON. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** The blanks of JSON: space, tab, line feed, carriage return. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
