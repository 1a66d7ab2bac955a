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

/** Returns the JSON text of a value. */
export function toJson(value: unknown): string {
  return value instanceof Text ? value.json : (JSON.stringify(value) ?? 'null');
}
