import { httpOf } from '../contract/http-route.js';
import type { Invocation } from '../ports/queue.js';
import { type AttemptRow, END_WITHOUT_RUN } from '../ports/store/attempts.js';

/** The number of a row that ends an invocation after so many attempts, and is none itself. */
export function endNumber(attempts: number): number {
  return attempts === 0 ? 0 : END_WITHOUT_RUN + attempts;
}

/** How many attempts there were, by the number of the last row. */
export function attemptsUpTo(number: number): number {
  return number > END_WITHOUT_RUN ? number - END_WITHOUT_RUN : number;
}

/** Whether a row tells of an attempt, and not of an end without a run. */
export function isAttempt({ attempt }: AttemptRow): boolean {
  return attempt > 0 && attempt < END_WITHOUT_RUN;
}

/**
 * The row of an attempt of which nothing is known but that it took place; for an end without a run
 * see `endNumber`. What more is known is filled in: of copies with other fields V8 would not know
 * where to find what.
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

/** Whether the client of an HTTP function had its answer when the invocation was accepted. */
export function isAnsweredAtOnce({ trigger, replyTo }: Invocation): boolean {
  return trigger === 'http' && replyTo === undefined;
}
