import type { Context } from 'koa';
import { parseTraceparent } from '../contract/traceparent.js';
import { ERRORS, isAppError, messageOf } from '../errors.js';
import type { Span, Tracer } from '../ports/tracer.js';
import type { RouteResponse } from './route.js';

/**
 * Starts the span of a request that starts invocations, as a child of the client's span if it has
 * sent one. The attributes are those of OpenTelemetry's semantic conventions for HTTP servers.
 */
export function startServerSpan(tracer: Tracer, ctx: Context, name: string): Span {
  const parent = parseTraceparent(ctx.req.headers.traceparent?.toString() ?? '');
  return tracer.start({
    name,
    kind: 'server',
    parent: parent?.traceparent,
    attributes: {
      'http.request.method': ctx.method,
      'url.path': ctx.path,
      'http.route': ctx.state.route,
    },
  });
}

/** Runs the work and ends the span with its response. */
export async function withSpan(span: Span, work: () => Promise<RouteResponse>): Promise<RouteResponse> {
  try {
    const response = await work();
    span.end(null, statusOf(response));
    return response;
  } catch (error) {
    span.end(messageOf(error), statusOf(isAppError(error) ? error : ERRORS.internal));
    throw error;
  }
}

function statusOf({ status }: { status: number }) {
  return { 'http.response.status_code': status };
}
