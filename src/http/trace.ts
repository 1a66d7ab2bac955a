import type { Context } from 'koa';
import { parseTraceparent } from '../contract/traceparent.js';
import type { Span, Tracer } from '../ports/tracer.js';

/**
 * Starts the span of a request that starts invocations, as a child of the client's span if it has
 * sent one.
 */
export function startServerSpan(tracer: Tracer, ctx: Context, name: string): Span {
  const parent = parseTraceparent(ctx.req.headers.traceparent?.toString() ?? '');
  return tracer.start({ name, kind: 'server', parent: parent?.traceparent });
}

/** Runs the work and ends the span with its result. */
export async function withSpan<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span.end();
    return result;
  } catch (error) {
    span.end(error instanceof Error ? error.message : String(error));
    throw error;
  }
}
