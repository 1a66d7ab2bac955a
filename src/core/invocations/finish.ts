import type { FunctionVersion } from '../../contract/function.js';
import type { ResponseText } from '../../contract/http-exchange.js';
import type { FinalState } from '../../contract/invocation-state.js';
import { MAX_KEPT_INPUT_BYTES } from '../../contract/limits.js';
import type { Meter } from '../../ports/meter.js';
import type { Invocation } from '../../ports/queue.js';
import type { AttemptRow } from '../../ports/store/attempts.js';
import type { Publisher } from '../events/publish.js';
import type { Callbacks } from './callbacks.js';
import { type EndRow, FollowUps, outcomeTooDeep } from './follow-ups.js';
import type { Replies } from './replies.js';
import { type EndCode, endCodeOf, type RefusalCode, type Reply } from './reply.js';
import { httpStatusOf, isFinalExitCode } from './reply-status.js';

/** The end of an invocation, before it is known whether a caller was waiting. */
export interface InvocationEnd {
  invocation: Invocation;
  /** Null if the function has been deleted. */
  function: FunctionVersion | null;
  /** The last attempt, or an end without another attempt. `finish` sets its `final`. */
  row: AttemptRow;
  outcome: Reply['status'] | 'expired' | 'worker_died';
  output: Uint8Array;
  /** False if the invocation's input is unknown. */
  inputIsKept?: boolean;
  response?: ResponseText | undefined;
}

export interface FinisherDeps {
  replies: Replies;
  publisher: Publisher;
  callbacks: Callbacks;
  meter: Meter;
  writeRow(row: AttemptRow): Promise<void>;
}

/**
 * Ends invocations: first replies to the caller, then makes the end durable, then sends events and
 * callbacks.
 */
export class Finisher {
  readonly #replies: Replies;
  readonly #meter: Meter;
  readonly #writeRow: FinisherDeps['writeRow'];
  readonly #followUps: FollowUps;

  constructor({ replies, publisher, callbacks, meter, writeRow }: FinisherDeps) {
    this.#replies = replies;
    this.#meter = meter;
    this.#writeRow = writeRow;
    this.#followUps = new FollowUps({ publisher, callbacks });
  }

  /**
   * Resolves when the end is durable and its events and callbacks are on the queue; the job may
   * then leave the queue.
   */
  async finish(end: InvocationEnd): Promise<void> {
    const failed = isFailure(end.outcome);
    // A failure without a waiting caller becomes a dead letter, so the receipt of the reply must
    // be confirmed. For a success it makes no difference.
    const code = endCodeOf(end.outcome);
    const isDelivered = await this.#sendReply(end, { confirm: failed, code });
    recordHttpStatus(end, code);
    const row = await this.#end(end, failed && !isDelivered ? 'dead' : replyStatus(end.outcome), code);
    await this.#followUps.send(end.invocation, end.function, row);
  }

  /**
   * Ends an invocation that cannot run, provided that a caller is waiting for it. Without events
   * and callback if no attempt has run: it is then as if it had not been accepted. Resolves with
   * false if no caller is waiting; the invocation has then not ended and must be retried.
   */
  async refuse(end: InvocationEnd, code: RefusalCode): Promise<boolean> {
    if (!(await this.#sendReply(end, { confirm: true, code }))) return false;
    recordHttpStatus(end, code);
    const row = await this.#end(end, replyStatus(end.outcome), code);
    // Otherwise the function has not failed, and its caller may try again.
    if (row.attempt > 0) await this.#followUps.send(end.invocation, end.function, row);
    return true;
  }

  /**
   * Sends the events and callbacks of an end that is already durable. Used if the process died
   * before it did so, or if the queue was full.
   */
  followUp(invocation: Invocation, fn: FunctionVersion | null, row: EndRow): Promise<void> {
    return this.#followUps.send(invocation, fn, row);
  }

  #sendReply(
    { invocation, row, output, outcome, response }: InvocationEnd,
    { confirm, code }: { confirm: boolean; code: EndCode | undefined },
  ): Promise<boolean> {
    if (invocation.replyTo === undefined) return Promise.resolve(false);
    const reply: Reply = {
      status: replyStatus(outcome),
      output,
      error: row.error,
      durationMs: row.durationMs,
      attempts: row.attempt,
      version: invocation.version,
      code,
      inputRefused: isFinalExitCode(row.exitCode),
      response,
    };
    return this.#replies.send(invocation.replyTo, invocation.id, reply, { confirm });
  }

  /** Makes the end durable. */
  async #end(
    { invocation, function: fn, row, output, outcome, response, inputIsKept = true }: InvocationEnd,
    state: FinalState,
    code: EndCode | undefined,
  ): Promise<EndRow> {
    const note = outcomeTooDeep(invocation, fn, state);
    if (note !== null) row.messages = [...row.messages, note];
    const completedAt = Date.now();
    const isKept = inputIsKept && keepsInput(state, invocation.input);
    const final = {
      state,
      completedAt,
      output: output.byteLength > 0 || outcome === 'success' ? output : null,
      outputExpiresAt: completedAt + invocation.resultTtlMs,
      response: response ?? null,
      input: isKept ? invocation.input : null,
      httpRequest: isKept ? (invocation.httpRequest ?? null) : null,
      callerWallet: invocation.callerWallet,
      reason: state === 'dead' ? outcome : (code ?? null),
    };
    const end: EndRow = Object.assign(row, { final });
    await this.#writeRow(end);
    this.#meter.ended(state, state === 'dead' ? outcome : null);
    return end;
  }
}

/** Sets the HTTP status of the response in the log row of an HTTP function. */
function recordHttpStatus(
  { invocation, row, outcome, output, response }: InvocationEnd,
  code: EndCode | undefined,
): void {
  if (row.http === null || invocation.replyTo === undefined) return;
  const status = replyStatus(outcome);
  row.http.status = httpStatusOf({
    status,
    output,
    response,
    code,
    inputRefused: isFinalExitCode(row.exitCode),
  });
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
