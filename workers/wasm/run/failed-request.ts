/** A reply of `http_fetch` or `http_next` that reports a failure begins like this. */
const FAILURE = /^\{(?:"handle":\d+,)?"error":/;
/** Enough for the beginning of a reply, with a handle of any length. */
const BEGINNING_BYTES = 40;

const utf8 = new TextDecoder();

/**
 * Returns why a request of `http_fetch` or `http_start` failed, from the reply that the guest gets;
 * null for a response. These calls report failures in their result instead of failing themselves.
 */
export function failedRequest(reply: Uint8Array): string | null {
  if (!FAILURE.test(utf8.decode(reply.subarray(0, BEGINNING_BYTES)))) return null;
  const { error } = JSON.parse(utf8.decode(reply)) as { error: unknown };
  return String(error);
}
