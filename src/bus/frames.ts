/**
 * Several messages in one: `<length>:<message>` each, lengths in UTF-16 units. Cheaper than JSON,
 * which would have to escape messages that are mostly JSON themselves.
 */
export function frame(messages: readonly string[]): string {
  let framed = '';
  for (const message of messages) framed += `${message.length}:${message}`;
  return framed;
}

/**
 * The messages again, in order; what is no frame, which only a stranger can have sent, ends them.
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
