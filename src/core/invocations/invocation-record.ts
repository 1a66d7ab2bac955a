import { httpFields, httpOf } from '../../contract/http-route.js';
import type { CallbackRecord, InvocationRecord } from '../../contract/invocation.js';
import { MAX_OUTCOME_BODY_BYTES } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { LiveInvocation } from '../../ports/queue.js';
import type { AttemptRow, FinalAttempt, StoredInvocation } from '../../ports/store/attempts.js';
import type { CallbackDelivery } from '../../ports/store/callbacks.js';
import { recordInput, recordOutput } from './output-fields.js';
import { endCodeOf } from './reply.js';
import { failureCodeOf, isFinalExitCode } from './reply-status.js';

/**
 * Returns the record of an invocation that has not ended. `isWhole` includes its input regardless
 * of its size.
 */
export function liveRecord(
  { invocation, state }: LiveInvocation,
  stored: StoredInvocation | null,
  { isWhole }: { isWhole: boolean },
): InvocationRecord {
  const { input, callbackUrl } = invocation;
  const showsInput = isWhole || input.byteLength <= MAX_OUTCOME_BODY_BYTES;
  return {
    request_id: invocation.id,
    namespace: invocation.namespace,
    function: invocation.function,
    version: invocation.version,
    trigger: invocation.trigger,
    ...httpFields(stored?.attempts.at(-1)?.http ?? httpOf(invocation.httpRequest, null)),
    trigger_depth: invocation.triggerDepth,
    parent_id: invocation.parentId ?? null,
    ...(invocation.messageId === undefined ? {} : { message_id: invocation.messageId }),
    state,
    attempts: attemptsOf(stored?.attempts ?? []),
    error: stored?.attempts.at(-1)?.error ?? null,
    input_size: input.byteLength,
    output_size: null,
    ...recordInput(showsInput ? input : null),
    output: null,
    callback:
      callbackUrl === undefined
        ? null
        : { url: callbackUrl, attempts: 0, delivered_at: null, last_error: null },
    created_at: new Date(invocation.acceptedAt).toISOString(),
    completed_at: null,
  };
}

export function endedRecord({ attempts }: StoredInvocation, delivery?: CallbackDelivery): InvocationRecord {
  const last = attempts.at(-1);
  if (!last) throw new AppError('internal', 'A stored invocation has no attempt.');
  const final = last.final;
  return {
    request_id: last.requestId,
    namespace: last.namespace,
    function: last.function,
    version: last.version,
    trigger: last.trigger,
    ...httpFields(last.http),
    trigger_depth: last.triggerDepth,
    parent_id: last.parentId,
    ...(last.messageId === null ? {} : { message_id: last.messageId }),
    state: final?.state ?? 'retrying',
    attempts: attemptsOf(attempts),
    error: last.error,
    ...(final === null || final.state === 'success' ? {} : { code: codeOf(last, final) }),
    input_size: last.inputSize,
    output_size: last.outputSize,
    ...recordInput(final?.input ?? null),
    ...recordOutput(final?.output ?? null),
    callback: delivery === undefined ? null : callbackOf(delivery),
    created_at: new Date(last.acceptedAt).toISOString(),
    completed_at: final ? new Date(final.completedAt).toISOString() : null,
  };
}

function codeOf({ status, exitCode }: AttemptRow, { state, reason }: FinalAttempt) {
  return failureCodeOf(state === 'cancelled' || status === 'success' ? 'cancelled' : status, {
    code: endCodeOf(reason),
    inputRefused: isFinalExitCode(exitCode),
  });
}

function callbackOf({ url, attempts, deliveredAt, lastError }: CallbackDelivery): CallbackRecord {
  return {
    url,
    attempts,
    delivered_at: deliveredAt === null ? null : new Date(deliveredAt).toISOString(),
    last_error: lastError,
  };
}

function attemptsOf(rows: readonly AttemptRow[]): InvocationRecord['attempts'] {
  return rows
    .filter((row) => row.isAttempt)
    .map((row) => ({
      number: row.attempt,
      status: row.status,
      error: row.error,
      started_at: new Date(row.startedAt).toISOString(),
      duration_ms: row.durationMs,
    }));
}
