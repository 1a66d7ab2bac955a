/** Parses JSON text. Returns undefined for text that is not JSON. */
export function parseOrUndefined(json: string, parse: (json: string) => unknown = JSON.parse): unknown {
  try {
    return parse(json);
  } catch {
    return undefined;
  }
}

/**
 * Whether an argument that is a JSON list or map is empty. Go, for example, encodes a nil slice or
 * map as `null`.
 */
export function isNone(json: string): boolean {
  return json === '' || json === 'null';
}
