import type { Context } from 'koa';
import type { Span, Tracer } from '../ports/tracer.js';

/** A malformed trace context is ignored, as W3C has it: it must not fail the call that carries it. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The span of a request that starts invocations: below the client's own, if it has sent one. */
export function startTrace(tracer: Tracer, ctx: Context, name: string): Span {
  const given = ctx.get('traceparent');
  return tracer.start({ name, kind: 'server', parent: TRACEPARENT.test(given) ? given : undefined });
}

/** Does the work within the span, which ends with it. */
export async function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(error instanceof Error ? error.message : String(error));
    throw error;
  }
}
