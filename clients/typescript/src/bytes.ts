/** Bytes of any type that JavaScript has for them. They are sent unchanged. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** Returns the bytes of a buffer or view, and undefined for any other value. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return sendable(value.buffer, value.byteOffset, value.byteLength);
  if (isBuffer(value)) return sendable(value);
  return undefined;
}

/** Also recognizes a buffer of another realm, such as that of a test runner. */
function isBuffer(value: unknown): value is ArrayBufferLike {
  return /^(Shared)?ArrayBuffer$/.test(tagOf(value));
}

function sendable(buffer: ArrayBufferLike, offset = 0, length?: number): Uint8Array {
  const bytes = new Uint8Array(buffer, offset, length);
  // fetch refuses shared memory.
  return tagOf(buffer) === 'SharedArrayBuffer' ? bytes.slice() : bytes;
}

/** Returns the name of a built-in type, such as `Blob`. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
