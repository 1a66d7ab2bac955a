import { httpOf } from '../../contract/http-route.js';
import type { Invocation } from '../../ports/queue.js';
import type { AttemptRow } from '../../ports/store/attempts.js';

/**
 * Creates the row of an attempt. Callers assign further fields instead of copying the row, so that
 * all rows have the same V8 hidden class.
 */
export function newAttempt(invocation: Invocation, attempt: number, error: string | null): AttemptRow {
  return {
    requestId: invocation.id,
    attempt,
    isAttempt: true,
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
    messageId: invocation.messageId ?? null,
    http: httpOf(invocation.httpRequest, isAnsweredAtOnce(invocation) ? 202 : null),
    exitCode: null,
    final: null,
  };
}

/** Creates the row of an invocation that ends without another attempt after `attempts` attempts. */
export function newEnd(invocation: Invocation, attempts: number, error: string): AttemptRow {
  const row = newAttempt(invocation, attempts, error);
  row.isAttempt = false;
  return row;
}

/**
 * Returns whether the client of an HTTP function received its response when the invocation was
 * accepted.
 */
export function isAnsweredAtOnce({ trigger, replyTo }: Invocation): boolean {
  return trigger === 'http' && replyTo === undefined;
}
