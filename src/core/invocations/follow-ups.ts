import type { FunctionVersion } from '../../contract/function.js';
import type { LogMessage } from '../../contract/invocation.js';
import type { FinalState } from '../../contract/invocation-state.js';
import { MAX_OUTCOME_BODY_BYTES, MAX_TRIGGER_DEPTH } from '../../contract/limits.js';
import { isAppError } from '../../errors.js';
import { JsonText, jsonTextOf, stringifyWith } from '../../json/json-text.js';
import type { Invocation } from '../../ports/queue.js';
import type { AttemptRow, FinalAttempt } from '../../ports/store/attempts.js';
import type { Publisher } from '../events/publish.js';
import type { Callbacks } from './callbacks.js';
import { recordOutput, utf8 } from './output-fields.js';

/** The row that ended an invocation. */
export type EndRow = AttemptRow & { final: FinalAttempt };

/** What the end of an invocation triggers: `on_success` or `on_failure`, and the callback. */
export class FollowUps {
  readonly #publisher: Publisher;
  readonly #callbacks: Callbacks;

  constructor({ publisher, callbacks }: { publisher: Publisher; callbacks: Callbacks }) {
    this.#publisher = publisher;
    this.#callbacks = callbacks;
  }

  /** Resolves when the event and the callback are on the queue. */
  async send(invocation: Invocation, fn: FunctionVersion | null, end: EndRow): Promise<void> {
    const { final } = end;
    if (final.state === 'cancelled') return;
    const topic = outcomeTopic(fn, final.state);
    if (topic !== undefined) await this.#publishOutcome(topic, invocation, end);
    if (invocation.callbackUrl === undefined) return;
    await this.#callbacks.send(invocation, invocation.callbackUrl, {
      request_id: invocation.id,
      function: invocation.function,
      version: invocation.version,
      status: final.state,
      error: end.error,
      attempts: end.attempt,
      duration_ms: end.durationMs,
      ...recordOutput(final.output),
      completed_at: new Date(final.completedAt).toISOString(),
    });
  }

  /**
   * Publishes `on_success` or `on_failure`. If the message is too large for all its triggers
   * together, it is published without input and output: it would otherwise be refused and retried
   * forever.
   */
  async #publishOutcome(topic: string, invocation: Invocation, end: EndRow): Promise<void> {
    try {
      await this.#publish(topic, invocation, outcomeText(invocation, end, smallBody));
    } catch (error) {
      if (!isAppError(error, 'payload_too_large')) throw error;
      await this.#publish(
        topic,
        invocation,
        outcomeText(invocation, end, () => null),
      );
    }
  }

  async #publish(topic: string, invocation: Invocation, text: string): Promise<void> {
    await this.#publisher.publish({
      namespace: invocation.namespace,
      topic,
      bytes: Buffer.from(text),
      data: new JsonText(text),
      depth: invocation.triggerDepth + 1,
      parentId: invocation.id,
      isOutcome: true,
      ...(invocation.traceparent === undefined ? {} : { traceparent: invocation.traceparent }),
    });
  }
}

/**
 * Returns the line for the log of an invocation whose `on_success` or `on_failure` is too deep to
 * fire triggers, or null. Without a look for such triggers, because the event is published only
 * after the log is durable.
 */
export function outcomeTooDeep(
  { triggerDepth }: Invocation,
  fn: FunctionVersion | null,
  state: FinalState,
): LogMessage | null {
  if (triggerDepth < MAX_TRIGGER_DEPTH) return null;
  const topic = outcomeTopic(fn, state);
  if (topic === undefined) return null;
  const message = `The message on "${topic}" fires no trigger: the trigger depth of ${MAX_TRIGGER_DEPTH} is reached.`;
  return { level: 'warn', message, timestamp: new Date().toISOString() };
}

function outcomeTopic(fn: FunctionVersion | null, state: FinalState): string | undefined {
  if (state === 'cancelled') return undefined;
  return state === 'success' ? fn?.metadata.on_success : fn?.metadata.on_failure;
}

/** Returns the envelope of `on_success` and `on_failure` (contract §3.6) as JSON text. */
function outcomeText(
  invocation: Invocation,
  end: EndRow,
  bodyOf: (bytes: Uint8Array) => JsonText | null,
): string {
  const { state, output, completedAt } = end.final;
  return stringifyWith({
    request_id: invocation.id,
    function: invocation.function,
    version: invocation.version,
    trigger: invocation.trigger,
    status: state,
    error: end.error,
    attempts: end.attempt,
    input: bodyOf(invocation.input),
    output: output ? bodyOf(output) : null,
    completed_at: new Date(completedAt).toISOString(),
  });
}

/**
 * Returns the bytes as JSON text, or as a JSON string if they are not JSON; null above 64 KB or if
 * they are not UTF-8.
 */
function smallBody(bytes: Uint8Array): JsonText | null {
  if (bytes.byteLength > MAX_OUTCOME_BODY_BYTES || utf8(bytes) === null) return null;
  return jsonTextOf(bytes);
}
