/** A JSON value as it is written: what `JSON.stringify` would change, such as integers beyond 2^53. */
export interface JsonText {
  readonly json: string;
}

class Text implements JsonText {
  constructor(readonly json: string) {}
}

/** Marks a text as JSON that is sent as it is. Throws a SyntaxError when it is none. */
export function jsonText(json: string): JsonText {
  JSON.parse(json);
  return new Text(json);
}

/** The JSON text of a value. */
export function toJson(value: unknown): string {
  return value instanceof Text ? value.json : (JSON.stringify(value) ?? 'null');
}
