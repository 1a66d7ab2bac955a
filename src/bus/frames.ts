/**
 * Encodes several messages as one: `<length>:<message>` each, with lengths in UTF-16 units. This is
 * cheaper than JSON, which would escape messages that are mostly JSON themselves.
 */
export function frame(messages: readonly string[]): string {
  let framed = '';
  for (const message of messages) framed += `${message.length}:${message}`;
  return framed;
}

/**
 * Decodes the messages of a frame, in order. Stops at malformed data, which only a foreign
 * publisher can have sent.
 */
export function* unframe(framed: string): Generator<string> {
  for (let at = 0; at < framed.length; ) {
    const colon = framed.indexOf(':', at);
    const digits = framed.slice(at, Math.max(at, colon));
    const end = colon + 1 + Number(digits);
    if (!/^\d+$/.test(digits) || end > framed.length) return;
    yield framed.slice(colon + 1, end);
    at = end;
  }
}
