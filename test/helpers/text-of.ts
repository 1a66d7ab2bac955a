/** Decodes UTF-8. Returns null for missing bytes. */
export function textOf(bytes: Uint8Array): string;
export function textOf(bytes: Uint8Array | null | undefined): string | null;
export function textOf(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString();
}
