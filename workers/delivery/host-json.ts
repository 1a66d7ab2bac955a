/** Parses JSON text. Returns undefined for text that is not JSON. */
export function parseOrUndefined(json: string, parse: (json: string) => unknown = JSON.parse): unknown {
  try {
    return parse(json);
  } catch {
    return undefined;
  }
}

/**
 * Whether a list or map of a host call is empty. `null` is how some languages write one that was
 * never created, such as Go.
 */
export function isNone(json: string): boolean {
  return json === '' || json === 'null';
}
