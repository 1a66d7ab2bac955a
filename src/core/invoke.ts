import type { VersionRef } from '../contract/alias.js';
import type { FunctionVersion } from '../contract/function.js';
import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { TriggerKind } from '../contract/invocation.js';
import { MAX_INPUT_BYTES } from '../contract/limits.js';
import { AppError, isAppError } from '../errors.js';
import type { Egress } from '../ports/egress.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { Store } from '../ports/store.js';
import type { Callbacks } from './callbacks.js';
import type { Catalog } from './catalog.js';
import { createIdempotency, IDEMPOTENCY_MS } from './idempotency.js';
import { type JobRequest, jobOf } from './job.js';
import type { PendingReply } from './pending-replies.js';
import type { Replies } from './replies.js';
import type { Reply } from './reply.js';
import { newRequestId } from './request-id.js';

export interface InvokeRequest {
  namespace: Namespace;
  function: FunctionName;
  /**
   * A version number or an alias. Default: the alias `live` if it exists, otherwise the newest
   * version.
   */
  version?: VersionRef;
  /** Equal texts select equal versions of an alias with weights. Default: the idempotency key. */
  sticky?: string;
  input: Uint8Array;
  trigger: TriggerKind;
  /** 0 for a direct call. */
  triggerDepth?: number;
  callerWallet?: string;
  /** Delay before the first attempt. */
  delayMs?: number;
  maxAgeMs?: number;
  /** URL to which the result is POSTed. Refused immediately if the egress rules do not allow it. */
  callbackUrl?: string;
  idempotencyKey?: string;
  /**
   * The caller to whom the idempotency key belongs, if it is not the namespace itself: callers that
   * do not trust one another must not obtain each other's results. See `callerOf`.
   */
  caller?: string;
  traceparent?: string;
  /** The result of `http_request()` as JSON text, for HTTP functions. */
  httpRequest?: string;
  /** The invocation that makes the call, if any. */
  parentId?: RequestId;
  /** An id chosen by the client; throws `conflict` if it is in use. */
  requestId?: RequestId;
}

export interface Accepted {
  id: RequestId;
  function: FunctionVersion;
}

export interface CallOptions {
  /** After this time the result is `reply: null`, and the invocation continues asynchronously. */
  waitMs: number;
  /**
   * Registers a callback for when the client disconnects; returns a function that unregisters it.
   * Cheaper than an AbortSignal per call.
   */
  onDisconnect?(giveUp: () => void): () => void;
  /**
   * Called with the id when the job is durable, for callers that follow its log while they wait.
   */
  onAccepted?(id: RequestId): void;
}

export interface Invoker {
  /** Accepts an invocation; it is durable when the promise resolves. */
  send(request: InvokeRequest): Promise<Accepted>;
  /** Accepts an invocation and waits for its final result, including retries. */
  call(request: InvokeRequest, options: CallOptions): Promise<Accepted & { reply: Reply | null }>;
  /**
   * Releases all waiting callers, now and from then on, with `reply: null`, since the process is
   * shutting down. Their invocations continue.
   */
  release(): void;
}

export interface InvokerDeps {
  catalog: Catalog;
  queue: InvocationQueue;
  replies: Replies;
  store: Store;
  egress: Egress;
  callbacks: Pick<Callbacks, 'assertRoom'>;
  meter: Meter;
  resultTtlMs: number;
}

export function createInvoker(deps: InvokerDeps): Invoker {
  const { catalog, queue, replies, store, egress } = deps;
  const idempotency = createIdempotency({ queue, store });
  const waits = new Set<Wait>();
  let released = false;

  /**
   * Puts the job on the queue, or finds the one that an earlier call with the same key has put
   * there.
   */
  async function accept(
    request: InvokeRequest,
    sync: boolean,
  ): Promise<Accepted & { waiting: PendingReply | null }> {
    assertInputSize(request.input.byteLength);
    const latest = await catalog.choose(request.namespace, request.function, {
      ref: request.version,
      sticky: request.sticky ?? request.idempotencyKey,
    });
    if (request.callbackUrl !== undefined) {
      await egress.check(request.callbackUrl);
      await deps.callbacks.assertRoom(request.namespace);
    }

    const fresh = request.requestId ?? newRequestId();
    const own = request.requestId === undefined ? null : await idempotency.claimRequestId(request.requestId);
    const held =
      request.idempotencyKey === undefined
        ? null
        : await idempotency.holdKey(
            { ...request, key: request.idempotencyKey, version: latest.version },
            fresh,
          );
    const claim = held?.claim ?? null;
    const id = claim?.requestId ?? fresh;
    // The version of a deleted function does not exist any more, but its result still does.
    const pinned =
      claim && claim.version !== latest.version
        ? await catalog.find(request.namespace, request.function, claim.version)
        : null;
    const fn = pinned ?? latest;
    if (held?.known) return { id, function: fn, waiting: sync ? replies.watch(id) : null };
    const waiting = sync ? replies.wait(id) : null;
    const invocation: JobRequest = {
      id,
      trigger: request.trigger,
      triggerDepth: request.triggerDepth ?? 0,
      callerWallet: request.callerWallet ?? '',
      input: request.input,
      acceptedAt: Date.now(),
      resultTtlMs: claim ? IDEMPOTENCY_MS : deps.resultTtlMs,
    };
    if (sync) invocation.replyTo = replies.address;
    if (request.maxAgeMs !== undefined) invocation.maxAgeMs = request.maxAgeMs;
    if (request.callbackUrl !== undefined) invocation.callbackUrl = request.callbackUrl;
    if (request.traceparent !== undefined) invocation.traceparent = request.traceparent;
    if (request.httpRequest !== undefined) invocation.httpRequest = request.httpRequest;
    if (request.parentId !== undefined) invocation.parentId = request.parentId;
    try {
      await queue.add([jobOf(fn, invocation, request.delayMs)]);
    } catch (error) {
      waiting?.abandon();
      // The invocation may run: with the same key, a repeated request finds it.
      if (isAppError(error, 'ambiguous_write')) throw error;
      // Nothing was accepted: release the key and the id, so that they can be used with another
      // body.
      for (const made of [claim, own]) if (made) await idempotency.release(made);
      throw error;
    }
    deps.meter.accepted(request.trigger, 1);
    return { id, function: fn, waiting };
  }

  return {
    async send(request) {
      const { id, function: fn } = await accept(request, false);
      return { id, function: fn };
    },
    async call(request, { waitMs, onDisconnect, onAccepted }) {
      const { id, function: fn, waiting } = await accept(request, true);
      onAccepted?.(id);
      if (!waiting) return { id, function: fn, reply: null };
      const wait = new Wait(waiting, released ? 0 : waitMs);
      waits.add(wait);
      const removeListener = onDisconnect?.(() => wait.giveUp());
      const reply = await wait.reply;
      removeListener?.();
      waits.delete(wait);
      return { id, function: fn, reply };
    },
    release() {
      released = true;
      for (const wait of waits) wait.giveUp();
    },
  };
}

export function assertInputSize(bytes: number): void {
  if (bytes <= MAX_INPUT_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `The input has ${bytes} bytes; at most ${MAX_INPUT_BYTES} (1 MB) are allowed. Put larger data into storage and send its CID.`,
  );
}

/**
 * A caller's wait for a reply. `reply` resolves with null on timeout or when the wait is given up.
 */
class Wait {
  readonly reply: Promise<Reply | null>;
  readonly #waiting: PendingReply;
  readonly #timer: NodeJS.Timeout;
  #settle: (reply: Reply | null) => void = () => undefined;

  constructor(waiting: PendingReply, waitMs: number) {
    this.#waiting = waiting;
    this.reply = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#timer = setTimeout(() => this.giveUp(), waitMs);
    void waiting.reply.then((reply) => {
      clearTimeout(this.#timer);
      this.#settle(reply);
    });
  }

  giveUp(): void {
    clearTimeout(this.#timer);
    this.#waiting.abandon();
    this.#settle(null);
  }
}
