import { setMaxListeners } from 'node:events';
import type { RawData, WebSocket } from 'ws';
import { parseFunctionRef } from '../../contract/function-ref.js';
import { functionRefPath } from '../../contract/http/common.js';
import { invokeSocketQuerySchema } from '../../contract/http/invoke.js';
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
import { isClosedByServer } from './server-close.js';

/** Maximum number of concurrent invocations per socket; at the limit, reading pauses. */
const MAX_IN_FLIGHT = 64;
/** Maximum size of unsent replies; at the limit, reading pauses. */
const MAX_UNSENT_BYTES = 8 << 20;

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
  return { serve: (ws) => serve(ws, handshake, ref, logsAfter) };
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

function serve(
  ws: WebSocket,
  { services, caller, unsent }: Handshake,
  ref: FunctionRef,
  logsAfter: string | null,
): void {
  const gone = new AbortController();
  // One listener per invocation in flight, and one of the log.
  setMaxListeners(MAX_IN_FLIGHT + 2, gone.signal);
  const onDisconnect = (callback: () => void) => {
    // The client may have disconnected while its message was accepted.
    if (gone.signal.aborted) callback();
    gone.signal.addEventListener('abort', callback, { once: true });
    return () => gone.signal.removeEventListener('abort', callback);
  };
  let inFlight = 0;
  /**
   * `ws` emits all messages of a packet at once, also while it is paused. At most 64 KB are read at
   * a time. Those that wait when the client closes the socket are invoked; when the connection is
   * lost or this side closes it, they are dropped.
   */
  const waiting: RawData[] = [];

  // Sockets of anonymous callers count against the namespace of the function.
  const { send: sendFrame } = frameSender(ws, {
    namespace: ref.namespace,
    unsent,
    // Reading pauses meanwhile.
    maxUnsentBytes: Number.POSITIVE_INFINITY,
  });
  const send = (frame: Record<string, unknown>) => sendFrame(JSON.stringify(frame), applyBackpressure);
  const isFull = () => inFlight >= MAX_IN_FLIGHT || ws.bufferedAmount > MAX_UNSENT_BYTES;
  /** Starts what waits, as far as the limits allow, and reads on only when nothing waits. */
  const applyBackpressure = () => {
    if (isClosedByServer(ws)) waiting.length = 0;
    while (!isFull()) {
      const next = waiting.shift();
      if (next === undefined) break;
      void answer(next);
    }
    if (isFull() && !ws.isPaused) ws.pause();
    else if (!isFull() && ws.isPaused) ws.resume();
  };
  const follower: LogFollower | null =
    logsAfter === null
      ? null
      : followLogs(
          services.logs,
          { namespace: ref.namespace, function: ref.name, after: logsAfter, signal: gone.signal },
          send,
        );

  const invoke = async (input: Uint8Array) => {
    // Checked for each message, since the function may have been made private or deleted.
    await caller.countUse();
    await assertMayInvoke(services, caller.principal, ref);
    const request: InvokeRequest = { namespace: ref.namespace, function: ref.name, input, trigger: 'ws' };
    if (ref.version !== undefined) request.version = ref.version;
    if (caller.principal?.wallet) request.callerWallet = caller.principal.wallet;
    const { id, reply } = await services.invoker.call(request, {
      waitMs: services.config.SYNC_WAIT_SECONDS * 1000,
      onDisconnect,
      onAccepted: (accepted) => follower?.expect(accepted),
    });
    await follower?.caughtUp(id, reply?.attempts ?? 0);
    return reply ? replyFrame(id, reply, audienceOf(caller.principal)) : { request_id: id, status: 'queued' };
  };

  const answer = async (data: RawData) => {
    inFlight += 1;
    let frame: Record<string, unknown>;
    try {
      frame = await invoke(bytesOf(data));
    } catch (error) {
      const where = { method: 'WS', path: `/v1/functions/${ref.name}/ws` };
      const { message, code } = toAppError(error, services.logger, where);
      frame = { request_id: uuidv7(), status: 'error', error: message, code, duration_ms: 0 };
    }
    inFlight -= 1;
    if (!gone.signal.aborted) send(frame);
    applyBackpressure();
  };
  ws.on('message', (data: RawData) => {
    waiting.push(data);
    applyBackpressure();
  });
  ws.on('close', (code: number) => {
    if (code === LOST || isClosedByServer(ws)) waiting.length = 0;
    gone.abort();
  });
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
