const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * A malformed trace context is left out, as W3C has it: it must not fail the call that carries it.
 */
export function traceparentOf(header: string | undefined): { traceparent?: string } {
  return header !== undefined && TRACEPARENT.test(header) ? { traceparent: header } : {};
}
