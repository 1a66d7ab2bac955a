import type { FunctionVersion } from '../contract/function.js';
import type { FinalState } from '../contract/invocation.js';
import { MAX_KEPT_INPUT_BYTES, MAX_OUTCOME_BODY_BYTES } from '../contract/limits.js';
import { isAppError } from '../errors.js';
import { JsonText, jsonTextOf, stringifyWith } from '../json-text.js';
import type { Meter } from '../ports/meter.js';
import type { Invocation } from '../ports/queue.js';
import type { AttemptRow, FinalAttempt } from '../ports/store/attempts.js';
import type { Callbacks } from './callbacks.js';
import { isFinalExitCode } from './final-exit-code.js';
import { httpStatusOf } from './http-status.js';
import { attemptsUpTo } from './new-attempt.js';
import { recordOutput, utf8 } from './output-fields.js';
import type { Publisher } from './publish.js';
import type { Replies } from './replies.js';
import type { RefusalCode, Reply } from './reply.js';

/** The end of an invocation, before it is known whether a caller was waiting. */
export interface InvocationEnd {
  invocation: Invocation;
  /** Null if the function has been deleted. */
  function: FunctionVersion | null;
  /** The last attempt, or number 0 if the invocation never ran. `finish` sets its `final`. */
  row: AttemptRow;
  outcome: Reply['status'] | 'expired' | 'worker_died';
  output: Uint8Array;
  /** False if the invocation's input is unknown. */
  inputIsKept?: boolean;
  /** The response set with `http_respond`, as JSON text. */
  response?: string | undefined;
}

/**
 * Ends invocations: first replies to the caller, then makes the end durable, then sends events and
 * callbacks.
 */
export interface Finisher {
  /**
   * Resolves when the end is durable and its events and callbacks are on the queue; the job may
   * then leave the queue.
   */
  finish(ending: InvocationEnd): Promise<void>;
  /**
   * Ends an invocation that cannot run, provided that a caller is waiting for it. Resolves with
   * false if no caller is waiting; the invocation has then not ended and must be retried.
   */
  refuse(ending: InvocationEnd, code: RefusalCode): Promise<boolean>;
  /**
   * Sends the events and callbacks of an end that is already durable. Used if the process died
   * before it did so, or if the queue was full.
   */
  followUp(invocation: Invocation, fn: FunctionVersion | null, end: EndRow): Promise<void>;
}

/** The row that ended an invocation. */
export type EndRow = AttemptRow & { final: FinalAttempt };

export interface FinisherDeps {
  replies: Replies;
  publisher: Publisher;
  callbacks: Callbacks;
  meter: Meter;
  writeRow(row: AttemptRow): Promise<void>;
}

export function createFinisher({ replies, publisher, callbacks, meter, writeRow }: FinisherDeps): Finisher {
  return {
    async finish(ending) {
      const failed = isFailure(ending.outcome);
      // A failure without a waiting caller becomes a dead letter, so the receipt of the reply must
      // be confirmed. For a success it makes no difference.
      const isDelivered = await sendReply(ending, { confirm: failed });
      recordHttpStatus(ending);
      await settle(ending, failed && !isDelivered ? 'dead' : replyStatus(ending.outcome));
    },
    async refuse(ending, code) {
      if (!(await sendReply(ending, { confirm: true, code }))) return false;
      recordHttpStatus(ending, code);
      await settle(ending, replyStatus(ending.outcome));
      return true;
    },
    followUp,
  };

  function sendReply(
    { invocation, row, output, outcome, response }: InvocationEnd,
    { confirm, code }: { confirm: boolean; code?: RefusalCode },
  ): Promise<boolean> {
    if (invocation.replyTo === undefined) return Promise.resolve(false);
    const reply: Reply = {
      status: replyStatus(outcome),
      output,
      error: row.error,
      durationMs: row.durationMs,
      attempts: attemptsUpTo(row.attempt),
      version: invocation.version,
      code,
      refused: isFinalExitCode(row.exitCode),
      response,
    };
    return replies.send(invocation.replyTo, invocation.id, reply, { confirm });
  }

  async function settle(
    { invocation, row, output, outcome, function: fn, inputIsKept = true }: InvocationEnd,
    state: FinalState,
  ): Promise<void> {
    const completedAt = Date.now();
    const isKept = inputIsKept && keepsInput(state, invocation.input);
    const final = {
      state,
      completedAt,
      output: output.byteLength > 0 || outcome === 'success' ? output : null,
      outputExpiresAt: completedAt + invocation.resultTtlMs,
      input: isKept ? invocation.input : null,
      httpRequest: isKept ? (invocation.httpRequest ?? null) : null,
      callerWallet: invocation.callerWallet,
      reason: state === 'dead' ? outcome : null,
    };
    row.final = final;
    await writeRow(row);
    meter.ended(state, final.reason);
    await followUp(invocation, fn, row as EndRow);
  }

  async function followUp(invocation: Invocation, fn: FunctionVersion | null, end: EndRow): Promise<void> {
    const { final } = end;
    if (final.state === 'cancelled') return;
    const topic = final.state === 'success' ? fn?.metadata.on_success : fn?.metadata.on_failure;
    if (topic !== undefined) await publishOutcome(topic, invocation, end);
    if (invocation.callbackUrl === undefined) return;
    await callbacks.send(invocation, invocation.callbackUrl, {
      request_id: invocation.id,
      function: invocation.function,
      version: invocation.version,
      status: final.state,
      error: end.error,
      attempts: attemptsUpTo(end.attempt),
      duration_ms: end.durationMs,
      ...recordOutput(final.output),
      completed_at: new Date(final.completedAt).toISOString(),
    });
  }

  /**
   * Publishes `on_success` or `on_failure` with the envelope of contract §3.6. If the message is
   * too large for all its triggers together, it is published without input and output: it would
   * otherwise be refused and retried forever.
   */
  async function publishOutcome(topic: string, invocation: Invocation, end: EndRow): Promise<void> {
    try {
      await publishOutcomeWith(topic, invocation, end, smallBody);
    } catch (error) {
      if (!isAppError(error, 'payload_too_large')) throw error;
      await publishOutcomeWith(topic, invocation, end, () => null);
    }
  }

  async function publishOutcomeWith(
    topic: string,
    invocation: Invocation,
    end: EndRow,
    bodyOf: (bytes: Uint8Array) => JsonText | null,
  ): Promise<void> {
    const { state, output, completedAt } = end.final;
    const value = stringifyWith({
      request_id: invocation.id,
      function: invocation.function,
      version: invocation.version,
      trigger: invocation.trigger,
      status: state,
      error: end.error,
      attempts: attemptsUpTo(end.attempt),
      input: bodyOf(invocation.input),
      output: output ? bodyOf(output) : null,
      completed_at: new Date(completedAt).toISOString(),
    });
    await publisher.publish({
      namespace: invocation.namespace,
      topic,
      bytes: Buffer.from(value),
      data: new JsonText(value),
      depth: invocation.triggerDepth + 1,
      parentId: invocation.id,
      ...(invocation.traceparent === undefined ? {} : { traceparent: invocation.traceparent }),
    });
  }
}

/** Sets the HTTP status of the response in the log row of an HTTP function. */
function recordHttpStatus(
  { invocation, row, outcome, output, response }: InvocationEnd,
  code?: RefusalCode,
): void {
  if (row.http === null || invocation.replyTo === undefined) return;
  const status = replyStatus(outcome);
  row.http.status = httpStatusOf({ status, output, response, code, refused: isFinalExitCode(row.exitCode) });
}

/**
 * Returns the bytes as JSON text, or as a JSON string if they are not JSON; null above 64 KB or if
 * they are not UTF-8.
 */
function smallBody(bytes: Uint8Array): JsonText | null {
  if (bytes.byteLength > MAX_OUTCOME_BODY_BYTES || utf8(bytes) === null) return null;
  return jsonTextOf(bytes);
}

/**
 * Returns whether the input is kept for a replay. Large inputs of successful invocations are not
 * kept: these are the majority, and storing the input would be a tenth of the cost of each.
 */
function keepsInput(state: FinalState, input: Uint8Array): boolean {
  return state !== 'success' || input.byteLength <= MAX_KEPT_INPUT_BYTES;
}

function isFailure(outcome: InvocationEnd['outcome']): boolean {
  return outcome !== 'success' && outcome !== 'cancelled';
}

function replyStatus(outcome: InvocationEnd['outcome']): Reply['status'] {
  return outcome === 'expired' || outcome === 'worker_died' ? 'error' : outcome;
}
