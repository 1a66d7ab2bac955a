/** Returns the code of an error of Node or of a library, such as `ENOENT`; `''` if it has none. */
export function nodeErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
