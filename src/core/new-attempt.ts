import { routeOf } from '../contract/http-route.js';
import type { Invocation } from '../ports/queue.js';
import type { AttemptRow } from '../ports/store.js';

/**
 * The row of an attempt of which nothing is known but that it took place; number 0 is an end without a run. What more is known is
 * filled in: of copies with other fields V8 would not know where to find what.
 */
export function newAttempt(invocation: Invocation, attempt: number, error: string | null): AttemptRow {
  return {
    requestId: invocation.id,
    attempt,
    namespace: invocation.namespace,
    function: invocation.function,
    version: invocation.version,
    trigger: invocation.trigger,
    triggerDepth: invocation.triggerDepth,
    status: 'error',
    startedAt: Date.now(),
    durationMs: 0,
    inputSize: invocation.input.byteLength,
    outputSize: 0,
    memoryPeakMb: 0,
    error,
    messages: [],
    acceptedAt: invocation.acceptedAt,
    traceparent: invocation.traceparent ?? null,
    parentId: invocation.parentId ?? null,
    route: routeOf(invocation.httpRequest),
    exitCode: null,
    final: null,
  };
}
