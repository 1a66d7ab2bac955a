/** Parses JSON text. Returns undefined for text that is not JSON. */
export function parseOrUndefined(json: string, parse: (json: string) => unknown = JSON.parse): unknown {
  try {
    return parse(json);
  } catch {
    return undefined;
  }
}
