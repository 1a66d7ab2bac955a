import type { FunctionVersion } from '../contract/function.js';
import type { FinalState } from '../contract/invocation.js';
import { MAX_KEPT_INPUT_BYTES, MAX_OUTCOME_BODY_BYTES } from '../contract/limits.js';
import { isAppError } from '../errors.js';
import { JsonText, jsonTextOf, stringifyWith } from '../json-text.js';
import type { Meter } from '../ports/meter.js';
import type { Invocation } from '../ports/queue.js';
import type { AttemptRow, FinalAttempt } from '../ports/store/attempts.js';
import type { Callbacks } from './callbacks.js';
import { httpStatusOf } from './http-status.js';
import { attemptsUpTo } from './new-attempt.js';
import { recordOutput, utf8 } from './output-fields.js';
import type { Publisher } from './publish.js';
import { isRefusal } from './refusal.js';
import type { Replies, Reply } from './replies.js';

/** How an invocation ended, before it is known whether anybody waited. */
export interface InvocationEnd {
  invocation: Invocation;
  /** null when the function is gone. */
  function: FunctionVersion | null;
  /** The last attempt; number 0 when it never ran. Its `final` is filled in. */
  row: AttemptRow;
  outcome: Reply['status'] | 'expired' | 'worker_died';
  output: Uint8Array;
  /** False when the invocation's input is not known. */
  inputIsKept?: boolean;
  /** What the function set with `http_respond`, as JSON text. */
  response?: string | undefined;
}

/**
 * Ends invocations: the caller hears first, then the end is made durable, then who wants to know is
 * told.
 */
export interface Finisher {
  /**
   * Resolves when the end is durable and its consequences are on the queue: then the job may leave
   * it.
   */
  finish(ending: InvocationEnd): Promise<void>;
  /**
   * For an invocation that cannot be run because a part is away: a caller that waits hears so, and
   * that ends it. False, and nothing has ended, when nobody waits: then it is to be tried again.
   */
  refuse(ending: InvocationEnd): Promise<boolean>;
  /**
   * Tells who wants to know of an end that is durable already: its process died, or the queue was
   * full just then.
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
      // A failure that nobody hears is a dead letter, so the worker must know; a success is the
      // same either way.
      const heard = await tell(ending, { confirm: failed });
      noteHttpStatus(ending);
      await settle(ending, failed && !heard ? 'dead' : replyStatus(ending.outcome));
    },
    async refuse(ending) {
      if (!(await tell(ending, { confirm: true, code: 'unavailable' }))) return false;
      noteHttpStatus(ending, 'unavailable');
      await settle(ending, replyStatus(ending.outcome));
      return true;
    },
    followUp,
  };

  function tell(
    { invocation, row, output, outcome, response }: InvocationEnd,
    { confirm, code }: { confirm: boolean; code?: 'unavailable' },
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
      refused: isRefusal(row.exitCode),
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
    if (topic !== undefined) await announce(topic, invocation, end);
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
   * `on_success` and `on_failure`, with the envelope of contract §3.6. Where so many triggers take
   * it that it is too large for all of them, it goes without input and output: refused for good, it
   * would be tried for ever.
   */
  async function announce(topic: string, invocation: Invocation, end: EndRow): Promise<void> {
    try {
      await announceWith(topic, invocation, end, smallBody);
    } catch (error) {
      if (!isAppError(error, 'payload_too_large')) throw error;
      await announceWith(topic, invocation, end, () => null);
    }
  }

  async function announceWith(
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

/** The log says what status the client of an HTTP function was answered with. */
function noteHttpStatus(
  { invocation, row, outcome, output, response }: InvocationEnd,
  code?: 'unavailable',
): void {
  if (row.http === null || invocation.replyTo === undefined) return;
  const status = replyStatus(outcome);
  row.http.status = httpStatusOf({ status, output, response, code, refused: isRefusal(row.exitCode) });
}

/** The JSON as it stands, else the text as a string; null beyond 64 KB or when it is not UTF-8. */
function smallBody(bytes: Uint8Array): JsonText | null {
  if (bytes.byteLength > MAX_OUTCOME_BODY_BYTES || utf8(bytes) === null) return null;
  return jsonTextOf(bytes);
}

/**
 * For a replay. Of those that succeeded only small ones: they are the many, and a large input would
 * be a tenth of what each of them costs.
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
