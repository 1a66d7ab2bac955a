import { tagOf } from './bytes.js';

/**
 * A JSON text that is sent verbatim, for values that `JSON.stringify` would change, such as
 * integers beyond 2^53.
 */
export interface JsonText {
  readonly json: string;
}

class Text implements JsonText {
  constructor(readonly json: string) {}
}

/** Marks a text as JSON that is sent verbatim. Throws a SyntaxError if it is not valid JSON. */
export function jsonText(json: string): JsonText {
  JSON.parse(json);
  return new Text(json);
}

/** Types with content of their own, which `JSON.stringify` would replace by `{}`. */
const READ_FIRST = new Set(['Blob', 'File', 'ReadableStream', 'FormData', 'URLSearchParams', 'Promise']);

/**
 * Returns the JSON text of a value. Throws a TypeError for values that JSON would lose without an
 * error.
 */
export function toJson(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`A ${typeof value} cannot be sent, as JSON has none`);
  }
  const type = tagOf(value);
  if (READ_FIRST.has(type)) {
    throw new TypeError(
      `A ${type} cannot be sent; read it first and send its bytes, its text or a JSON value`,
    );
  }
  return value instanceof Text ? value.json : (JSON.stringify(value) ?? 'null');
}
