import type { VersionRef } from '../../contract/alias.js';
import type { FunctionVersion } from '../../contract/function.js';
import type { RequestId } from '../../contract/ids.js';
import type { TriggerKind } from '../../contract/invocation.js';
import { MAX_INPUT_BYTES } from '../../contract/limits.js';
import { AppError, isAppError } from '../../errors.js';
import type { Egress } from '../../ports/egress.js';
import type { Meter } from '../../ports/meter.js';
import type { InvocationQueue } from '../../ports/queue.js';
import type { Claim, KeyClaim } from '../../ports/store/idempotency.js';
import type { Catalog } from '../functions/catalog.js';
import type { LogQuota } from '../observability/log-quota.js';
import type { Callbacks } from './callbacks.js';
import { type ClaimRequest, IDEMPOTENCY_MS, type Idempotency } from './idempotency.js';
import { type JobRequest, jobOf } from './job.js';
import type { PendingReply } from './pending-replies.js';
import type { Replies } from './replies.js';
import { isRefusal, type Reply } from './reply.js';

export interface InvokeRequest extends ClaimRequest {
  /**
   * A version number or an alias. Default: the alias `live` if it exists, otherwise the newest
   * version.
   */
  version?: VersionRef;
  /** Equal texts select equal versions of an alias with weights. Default: the idempotency key. */
  sticky?: string;
  trigger: TriggerKind;
  /** 0 for a direct call. */
  triggerDepth?: number;
  callerWallet?: string;
  /** Delay before the first attempt. */
  delayMs?: number;
  maxAgeMs?: number;
  /** URL to which the result is POSTed. Refused immediately if the egress rules do not allow it. */
  callbackUrl?: string;
  traceparent?: string;
  /** The result of `http_request()` as JSON text, for HTTP functions. */
  httpRequest?: string;
  /** The invocation that makes the call, if any. */
  parentId?: RequestId;
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

export interface InvokerDeps {
  catalog: Catalog;
  queue: InvocationQueue;
  replies: Replies;
  idempotency: Idempotency;
  egress: Egress;
  callbacks: Pick<Callbacks, 'assertCapacity'>;
  logQuota: Pick<LogQuota, 'assertCapacity'>;
  meter: Meter;
  resultTtlMs: number;
}

interface AcceptedCall extends Accepted {
  /** Null for calls that do not wait. */
  waiting: PendingReply | null;
  /** The claims to release if the invocation is refused. */
  held: readonly Claim[];
}

export class Invoker {
  readonly #catalog: Catalog;
  readonly #queue: InvocationQueue;
  readonly #replies: Replies;
  readonly #egress: Egress;
  readonly #callbacks: InvokerDeps['callbacks'];
  readonly #logQuota: InvokerDeps['logQuota'];
  readonly #meter: Meter;
  readonly #resultTtlMs: number;
  readonly #idempotency: Idempotency;
  readonly #waiting = new Set<PendingReply>();
  #isReleased = false;

  constructor(deps: InvokerDeps) {
    this.#catalog = deps.catalog;
    this.#queue = deps.queue;
    this.#replies = deps.replies;
    this.#egress = deps.egress;
    this.#callbacks = deps.callbacks;
    this.#logQuota = deps.logQuota;
    this.#meter = deps.meter;
    this.#resultTtlMs = deps.resultTtlMs;
    this.#idempotency = deps.idempotency;
  }

  /** Accepts an invocation; it is durable when the promise resolves. */
  async send(request: InvokeRequest): Promise<Accepted> {
    const { id, function: fn } = await this.#accept(request, false);
    return { id, function: fn };
  }

  /** Accepts an invocation and waits for its final result, including retries. */
  async call(
    request: InvokeRequest,
    { waitMs, onDisconnect, onAccepted }: CallOptions,
  ): Promise<Accepted & { reply: Reply | null }> {
    const { id, function: fn, waiting, held } = await this.#accept(request, true);
    onAccepted?.(id);
    if (!waiting) return { id, function: fn, reply: null };
    waiting.abandonAfter(this.#isReleased ? 0 : waitMs);
    this.#waiting.add(waiting);
    const removeListener = onDisconnect?.(() => waiting.abandon());
    const reply = await waiting.reply;
    removeListener?.();
    this.#waiting.delete(waiting);
    // No attempt has run: the key is free for the next try.
    if (reply?.attempts === 0 && isRefusal(reply.code)) await this.#idempotency.release(held);
    return { id, function: fn, reply };
  }

  /**
   * Releases all waiting callers, now and from then on, with `reply: null`, since the process is
   * shutting down. Their invocations continue.
   */
  release(): void {
    this.#isReleased = true;
    for (const waiting of this.#waiting) waiting.abandon();
  }

  /**
   * Puts the job on the queue, or finds the one that an earlier call with the same key has put
   * there.
   */
  async #accept(request: InvokeRequest, waits: boolean): Promise<AcceptedCall> {
    assertInputSize(request.input.byteLength);
    const latest = await this.#catalog.choose(request.namespace, request.function, {
      ref: request.version,
      sticky: request.sticky ?? request.idempotencyKey,
    });
    if (request.callbackUrl !== undefined) {
      await this.#egress.check(request.callbackUrl, { namespace: request.namespace });
      await this.#callbacks.assertCapacity(request.namespace);
    }

    const { id, key, isKnown, held, addBefore } = await this.#idempotency.claim(request, latest.version);
    let waiting: PendingReply | null = null;
    try {
      const fn = key === null ? latest : await this.#claimedVersion(request, key, latest);
      if (isKnown) return { id, function: fn, waiting: waits ? this.#replies.watch(id) : null, held };
      await this.#logQuota.assertCapacity(request.namespace);
      if (waits) waiting = this.#replies.wait(request.namespace, id);
      const invocation = jobRequestOf(request, id, key === null ? this.#resultTtlMs : IDEMPOTENCY_MS);
      if (waits) invocation.replyTo = this.#replies.address;
      await this.#queue.add([jobOf(fn, invocation, request.delayMs)], addBefore);
      this.#meter.accepted(request.trigger, 1);
      return { id, function: fn, waiting, held };
    } catch (error) {
      waiting?.abandon();
      // After an ambiguous write the invocation may run: with the same key, a repeated request
      // finds it. Otherwise nothing was accepted.
      if (!isAppError(error, 'ambiguous_write')) await this.#idempotency.release(held);
      throw error;
    }
  }

  /** Resolves with the version that the first call with the idempotency key runs. */
  async #claimedVersion(
    request: InvokeRequest,
    claim: KeyClaim,
    latest: FunctionVersion,
  ): Promise<FunctionVersion> {
    if (claim.version === latest.version) return latest;
    // The version of a deleted function does not exist any more, but its result still does.
    return (await this.#catalog.find(request.namespace, request.function, claim.version)) ?? latest;
  }
}

function jobRequestOf(request: InvokeRequest, id: RequestId, resultTtlMs: number): JobRequest {
  const invocation: JobRequest = {
    id,
    trigger: request.trigger,
    triggerDepth: request.triggerDepth ?? 0,
    callerWallet: request.callerWallet ?? '',
    input: request.input,
    acceptedAt: Date.now(),
    resultTtlMs,
  };
  if (request.maxAgeMs !== undefined) invocation.maxAgeMs = request.maxAgeMs;
  if (request.callbackUrl !== undefined) invocation.callbackUrl = request.callbackUrl;
  if (request.traceparent !== undefined) invocation.traceparent = request.traceparent;
  if (request.httpRequest !== undefined) invocation.httpRequest = request.httpRequest;
  if (request.parentId !== undefined) invocation.parentId = request.parentId;
  return invocation;
}

export function assertInputSize(bytes: number): void {
  if (bytes <= MAX_INPUT_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `The input has ${bytes} bytes; at most ${MAX_INPUT_BYTES} (1 MB) are allowed. Put larger data into storage and send its CID.`,
  );
}
