const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ALL_ZEROS = /^0+$/;

export interface TraceContext {
  traceId: string;
  spanId: string;
  /** Whether the caller may have recorded the trace. */
  isSampled: boolean;
  /** The context as a `traceparent` of version 00. */
  traceparent: string;
}

/**
 * Reads a `traceparent` header; null when it is invalid and must be ignored (W3C Trace Context
 * §3.2). Of a later version, the fields of version 00 are read, and passed on as such (§3.2.4).
 */
export function parseTraceparent(header: string): TraceContext | null {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (ALL_ZEROS.test(traceId) || ALL_ZEROS.test(spanId)) return null;
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1;
  const passedOn = version === '00' ? flags : isSampled ? '01' : '00';
  return { traceId, spanId, isSampled, traceparent: `00-${traceId}-${spanId}-${passedOn}` };
}
