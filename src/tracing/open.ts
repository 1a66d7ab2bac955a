import type { Tracer } from '../ports/tracer.js';
import { openOtlpTracer } from './otlp.js';

/**
 * Sends spans to the collector at `endpoint`; without one, only passes on the trace context it is
 * given.
 */
export function openTracer(endpoint: string | undefined): Tracer {
  if (endpoint !== undefined) return openOtlpTracer(endpoint);
  return {
    start: ({ parent }) => ({ traceparent: parent, end: () => undefined }),
    close: () => Promise.resolve(),
  };
}
