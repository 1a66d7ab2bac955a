const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Returns a valid trace context. A malformed one is ignored (W3C Trace Context §3.2.2) and does not
 * fail the request.
 */
export function traceparentOf(header: string | undefined): { traceparent?: string } {
  return header !== undefined && TRACEPARENT.test(header) ? { traceparent: header } : {};
}
