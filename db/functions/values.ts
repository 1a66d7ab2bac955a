/** As JSON shows a value of SQLite: nothing is rounded, nothing lost. */
export function toJsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : String(value);
  }
  if (value instanceof ArrayBuffer) return { $blob: Buffer.from(value).toString('base64') };
  if (value instanceof Uint8Array) return { $blob: Buffer.from(value).toString('base64') };
  return value;
}
