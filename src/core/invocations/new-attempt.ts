import { httpOf } from '../../contract/http-route.js';
import type { Invocation } from '../../ports/queue.js';
import { type AttemptRow, END_WITHOUT_RUN } from '../../ports/store/attempts.js';

/** Returns the row number of an end without a run after `attempts` attempts. */
export function endNumber(attempts: number): number {
  return attempts === 0 ? 0 : END_WITHOUT_RUN + attempts;
}

/** Returns the number of attempts from the number of the last row. */
export function attemptsUpTo(number: number): number {
  return number > END_WITHOUT_RUN ? number - END_WITHOUT_RUN : number;
}

/** Returns whether a row is an attempt and not an end without a run. */
export function isAttempt({ attempt }: AttemptRow): boolean {
  return attempt > 0 && attempt < END_WITHOUT_RUN;
}

/**
 * Creates the row of an attempt, or of an end without a run (see `endNumber`). Callers assign
 * further fields instead of copying the row, so that all rows have the same V8 hidden class.
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
    messageId: invocation.messageId ?? null,
    http: httpOf(invocation.httpRequest, isAnsweredAtOnce(invocation) ? 202 : null),
    exitCode: null,
    final: null,
  };
}

/**
 * Returns whether the client of an HTTP function received its response when the invocation was
 * accepted.
 */
export function isAnsweredAtOnce({ trigger, replyTo }: Invocation): boolean {
  return trigger === 'http' && replyTo === undefined;
}
