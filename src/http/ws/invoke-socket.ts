import { setMaxListeners } from 'node:events';
import type { RawData, WebSocket } from 'ws';
import { parseFunctionRef } from '../../contract/function-ref.js';
import { functionRefPath } from '../../contract/http/common.js';
import { invokeSocketQuerySchema } from '../../contract/http/invoke.js';
import { MB } from '../../contract/limits.js';
import { assertMayInvoke, type FunctionRef } from '../../core/auth/access.js';
import type { Principal } from '../../core/auth/principal.js';
import { assertFunction, assertScope } from '../../core/auth/rights.js';
import type { InvokeRequest } from '../../core/invocations/invoke.js';
import { replyOutput } from '../../core/invocations/output-fields.js';
import type { Reply } from '../../core/invocations/reply.js';
import { AppError } from '../../errors.js';
import { uuidv7 } from '../../uuid.js';
import { textReader } from '../request/read-text.js';
import {
  type Audience,
  audienceOf,
  failureFields,
  failureOutput,
  milliseconds,
} from '../response/outcome.js';
import { toAppError } from '../response/to-app-error.js';
import { bytesOf } from './bytes-of.js';
import { frameSender } from './frame-sender.js';
import type { Handshake, Prepare } from './handshake.js';
import { followLogs, type LogFollower } from './log-follower.js';
import { isClosedByServer, onMessage } from './server-close.js';

/** Maximum number of concurrent invocations per socket; at the limit, reading pauses. */
const MAX_IN_FLIGHT = 64;
/** Maximum size of unsent replies; at the limit, reading pauses. */
const MAX_UNSENT_BYTES = 8 * MB;

/** The code of a connection that was lost without a close frame (RFC 6455 §7.4.1). */
const LOST = 1006;

const readPath = textReader(functionRefPath);
const readQuery = textReader(invokeSocketQuerySchema);

/**
 * Serves a socket on which each message is the input of one invocation. Replies are sent in order
 * of completion.
 */
export const prepareInvokeSocket: Prepare = async (handshake) => {
  const { services, caller, params } = handshake;
  const ref: FunctionRef = { namespace: caller.namespace, ...parseFunctionRef(readPath(params).name) };
  assertFunction(caller.principal, 'invoke', ref.name);
  const { logs = false } = readQuery(handshake.query);
  if (logs) assertMayReadLogs(caller.principal);
  await assertMayInvoke(services, caller.principal, ref);
  await services.catalog.candidates(ref.namespace, ref.name, ref.version);
  // The log position before the first message can arrive.
  const filter = { namespace: ref.namespace, function: ref.name };
  const logsAfter = logs ? (await services.logs.read({ ...filter, limit: 1 })).position : null;
  return { serve: (ws) => new InvokeSocket(ws, handshake, ref, logsAfter).start() };
};

/**
 * Throws unless the caller may read logs, which belong to the namespace even if the function is
 * public.
 */
function assertMayReadLogs(principal: Principal | null): void {
  if (principal === null) {
    throw new AppError(
      'unauthorized',
      'logs=true needs a credential of the namespace; send one as api_key or token, or leave it out.',
    );
  }
  assertScope(principal, 'read');
}

/** An open socket: reads inputs as far as its limits allow, and sends a frame for each. */
class InvokeSocket {
  readonly #ws: WebSocket;
  readonly #services: Handshake['services'];
  readonly #caller: Handshake['caller'];
  readonly #ref: FunctionRef;
  readonly #send: (frame: Record<string, unknown>) => void;
  readonly #follower: LogFollower | null;
  /** Aborted when the socket is closed. */
  readonly #gone = new AbortController();
  /**
   * `ws` emits all messages of a packet at once, also while it is paused. At most 64 KB are read at
   * a time. Those that wait when the client closes the socket are invoked; when the connection is
   * lost or this side closes it, they are dropped.
   */
  readonly #waiting: RawData[] = [];
  #inFlight = 0;

  constructor(
    ws: WebSocket,
    { services, caller, unsent }: Handshake,
    ref: FunctionRef,
    logsAfter: string | null,
  ) {
    this.#ws = ws;
    this.#services = services;
    this.#caller = caller;
    this.#ref = ref;
    // One listener per invocation in flight, and one of the log.
    setMaxListeners(MAX_IN_FLIGHT + 2, this.#gone.signal);
    // Sockets of anonymous callers count against the namespace of the function.
    const { send } = frameSender(ws, {
      namespace: ref.namespace,
      unsent,
      // Reading pauses meanwhile.
      maxUnsentBytes: Number.POSITIVE_INFINITY,
    });
    this.#send = (frame) => send(JSON.stringify(frame), () => this.#applyBackpressure());
    this.#follower =
      logsAfter === null
        ? null
        : followLogs(
            services.logs,
            { namespace: ref.namespace, function: ref.name, after: logsAfter, signal: this.#gone.signal },
            this.#send,
          );
  }

  start(): void {
    onMessage(this.#ws, (data) => {
      this.#waiting.push(data);
      this.#applyBackpressure();
    });
    this.#ws.on('close', (code: number) => {
      if (code === LOST || isClosedByServer(this.#ws)) this.#waiting.length = 0;
      this.#gone.abort();
    });
  }

  get #isFull(): boolean {
    return this.#inFlight >= MAX_IN_FLIGHT || this.#ws.bufferedAmount > MAX_UNSENT_BYTES;
  }

  /** Starts what waits, as far as the limits allow, and reads on only when nothing waits. */
  #applyBackpressure(): void {
    if (isClosedByServer(this.#ws)) this.#waiting.length = 0;
    while (!this.#isFull) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      void this.#answer(next);
    }
    if (this.#isFull && !this.#ws.isPaused) this.#ws.pause();
    else if (!this.#isFull && this.#ws.isPaused) this.#ws.resume();
  }

  async #answer(data: RawData): Promise<void> {
    this.#inFlight += 1;
    let frame: Record<string, unknown>;
    try {
      frame = await this.#invoke(bytesOf(data));
    } catch (error) {
      const where = { method: 'WS', path: `/v1/functions/${this.#ref.name}/ws` };
      const { message, code, requestId = uuidv7() } = toAppError(error, this.#services.logger, where);
      frame = { request_id: requestId, status: 'error', error: message, code, duration_ms: 0 };
    }
    this.#inFlight -= 1;
    if (!this.#gone.signal.aborted) this.#send(frame);
    this.#applyBackpressure();
  }

  async #invoke(input: Uint8Array): Promise<Record<string, unknown>> {
    const services = this.#services;
    const { principal } = this.#caller;
    const ref = this.#ref;
    // Checked for each message, since the function may have been made private or deleted.
    await this.#caller.countUse();
    await assertMayInvoke(services, principal, ref);
    const request: InvokeRequest = { namespace: ref.namespace, function: ref.name, input, trigger: 'ws' };
    if (ref.version !== undefined) request.version = ref.version;
    if (principal?.wallet) request.callerWallet = principal.wallet;
    const { id, reply } = await services.invoker.call(request, {
      waitMs: services.config.SYNC_WAIT_SECONDS * 1000,
      onDisconnect: (giveUp) => this.#onDisconnect(giveUp),
      onAccepted: (accepted) => this.#follower?.expect(accepted),
    });
    await this.#follower?.caughtUp(id, reply?.attempts ?? 0);
    if (reply === null) return { request_id: id, status: 'queued' };
    return replyFrame(id, reply, audienceOf(principal, ref.namespace));
  }

  #onDisconnect(callback: () => void): () => void {
    const { signal } = this.#gone;
    // The client may have disconnected while its message was accepted.
    if (signal.aborted) callback();
    signal.addEventListener('abort', callback, { once: true });
    return () => signal.removeEventListener('abort', callback);
  }
}

function replyFrame(id: string, reply: Reply, audience: Audience): Record<string, unknown> {
  const duration = milliseconds(reply.durationMs);
  if (reply.status === 'success') {
    return { request_id: id, status: reply.status, duration_ms: duration, ...replyOutput(reply.output) };
  }
  const { httpStatus: _, ...failure } = failureFields(reply.status, reply, audience);
  const written = failureOutput(reply.output, audience);
  return { request_id: id, ...failure, ...written, duration_ms: duration };
}
