import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VersionRef } from '../contract/alias.js';
import type { FunctionVersion } from '../contract/function.js';
import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type { TriggerKind } from '../contract/invocation.js';
import { MAX_INPUT_BYTES } from '../contract/limits.js';
import { AppError } from '../errors.js';
import type { Egress } from '../ports/egress.js';
import type { Meter } from '../ports/meter.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { IdempotencyClaim } from '../ports/store/idempotency.js';
import type { Store } from '../ports/store.js';
import type { Catalog } from './catalog.js';
import { type JobRequest, jobOf } from './job.js';
import type { Replies, Reply, Waiting } from './replies.js';
import { newRequestId } from './request-id.js';

const IDEMPOTENCY_MS = 24 * 3600 * 1000;
/** Who has claimed a key and put no job on the queue for so long is taken for dead. */
const HOLDER_MS = 2000;

export interface InvokeRequest {
  namespace: Namespace;
  function: FunctionName;
  /**
   * A version's number or an alias. Absent: the alias `live` where there is one, else the newest.
   */
  version?: VersionRef;
  /**
   * Equal texts are given equal versions where an alias splits; the idempotency key where absent.
   */
  sticky?: string;
  input: Uint8Array;
  trigger: TriggerKind;
  /** 0 for a direct call. */
  triggerDepth?: number;
  callerWallet?: string;
  /** Before the first attempt. */
  delayMs?: number;
  maxAgeMs?: number;
  /** The result is POSTed there. Refused at once when egress rules refuse it. */
  callbackUrl?: string;
  idempotencyKey?: string;
  traceparent?: string;
  /** What `http_request()` returns, as JSON text: of an HTTP function. */
  httpRequest?: string;
  /** The invocation that makes the call, where one does. */
  parentId?: RequestId;
  /** The client's own id; `conflict` when it is in use. */
  requestId?: RequestId;
}

export interface Accepted {
  id: RequestId;
  function: FunctionVersion;
}

export interface CallOptions {
  /** Then the answer is `reply: null` and the invocation goes on as an asynchronous one. */
  waitMs: number;
  /**
   * Calls its argument when the client has gone away; returns what takes that back. Cheaper than a
   * signal for each call.
   */
  whenGone?(giveUp: () => void): () => void;
  /** Told the id as soon as the job is durable: for those who follow its log while they wait. */
  onAccepted?(id: RequestId): void;
}

export interface Invoker {
  /** Accepts and does not wait: durable when it resolves. */
  send(request: InvokeRequest): Promise<Accepted>;
  /** Accepts and waits for the final result, retries included. */
  call(request: InvokeRequest, options: CallOptions): Promise<Accepted & { reply: Reply | null }>;
  /**
   * The process is about to end: whoever waits is told, from now on, that the invocation goes on
   * without it.
   */
  release(): void;
}

export interface InvokerDeps {
  catalog: Catalog;
  queue: InvocationQueue;
  replies: Replies;
  store: Store;
  egress: Egress;
  meter: Meter;
  resultTtlMs: number;
}

export function createInvoker(deps: InvokerDeps): Invoker {
  const { catalog, queue, replies, store, egress } = deps;
  const waits = new Set<Wait>();
  let released = false;

  /**
   * Puts the job on the queue, or finds the one that an earlier call with the same key has put
   * there.
   */
  async function accept(
    request: InvokeRequest,
    sync: boolean,
  ): Promise<Accepted & { waiting: Waiting | null }> {
    assertInputSize(request.input.byteLength);
    const latest = await catalog.choose(request.namespace, request.function, {
      ref: request.version,
      sticky: request.sticky ?? request.idempotencyKey,
    });
    if (request.callbackUrl !== undefined) await egress.check(request.callbackUrl);

    const fresh = request.requestId ?? newRequestId();
    const own = request.requestId === undefined ? null : await claimRequestId(request.requestId);
    const held = request.idempotencyKey === undefined ? null : await holdKey(request, latest, fresh);
    const claim = held?.claim ?? null;
    const id = claim?.requestId ?? fresh;
    // The version of a deleted function is gone, but not what it answered.
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
      // Nothing was accepted: key and id are free again, and for another body, too.
      for (const made of [claim, own]) if (made) await store.idempotency.release(made).catch(() => undefined);
      throw error;
    }
    deps.meter.accepted(request.trigger, 1);
    return { id, function: fn, waiting };
  }

  /**
   * Queue first, then store: a job leaves the queue only when its end is in the store, so what is
   * in neither was never accepted, and the key's holder died before it could.
   */
  async function isKnown(id: RequestId): Promise<boolean> {
    return (await queue.get(id)) !== null || (await store.attempts.invocation(id)) !== null;
  }

  /**
   * The claim that holds the key, and whether its invocation was accepted. Whoever comes second
   * gives the first time to put the job on the queue: both doing it could run a short job twice,
   * once before the other has looked.
   */
  async function holdKey(request: InvokeRequest, fn: FunctionVersion, fresh: RequestId) {
    for (;;) {
      const claim = await claimKey(request, fn, fresh);
      if (claim.requestId === fresh) return { claim, known: false };
      if (await appears(claim.requestId)) return { claim, known: true };
      // Its holder has died, or was refused and has given the key back.
      const again = await claimKey(request, fn, fresh);
      if (again.requestId === claim.requestId) return { claim, known: false };
      if (again.requestId === fresh) return { claim: again, known: false };
    }
  }

  async function appears(id: RequestId): Promise<boolean> {
    const end = Date.now() + HOLDER_MS;
    for (let pause = 5; ; pause *= 2) {
      if (await isKnown(id)) return true;
      if (Date.now() > end) return false;
      await sleep(pause);
    }
  }

  async function claimKey(request: InvokeRequest, fn: FunctionVersion, requestId: RequestId) {
    const { namespace, idempotencyKey: key = '' } = request;
    const bodyHash = createHash('sha256').update(request.input).digest('hex');
    const held = await store.idempotency.claim({
      namespace,
      function: request.function,
      key,
      bodyHash,
      requestId,
      version: fn.version,
      expiresAt: Date.now() + IDEMPOTENCY_MS,
    });
    if (held.bodyHash === bodyHash) return held;
    throw new AppError(
      'idempotency_mismatch',
      `The Idempotency-Key ${JSON.stringify(key)} was used with another body in the last 24 hours; use a new key for a new request.`,
    );
  }

  /** A client's id must be new, whoever used it before: replies and records go by it. */
  async function claimRequestId(id: RequestId): Promise<IdempotencyClaim> {
    const token = newRequestId();
    const held = await store.idempotency.claim({
      namespace: REQUEST_IDS,
      function: REQUEST_IDS,
      key: id,
      bodyHash: '',
      requestId: token,
      version: 0,
      expiresAt: Date.now() + IDEMPOTENCY_MS,
    });
    if (held.requestId === token && !(await isKnown(id))) return held;
    throw new AppError(
      'conflict',
      `The request id ${id} is in use; send a new UUID in X-Request-ID, or none.`,
    );
  }

  return {
    async send(request) {
      const { id, function: fn } = await accept(request, false);
      return { id, function: fn };
    },
    async call(request, { waitMs, whenGone, onAccepted }) {
      const { id, function: fn, waiting } = await accept(request, true);
      onAccepted?.(id);
      if (!waiting) return { id, function: fn, reply: null };
      const wait = new Wait(waiting, released ? 0 : waitMs);
      waits.add(wait);
      const stay = whenGone?.(() => wait.giveUp());
      const reply = await wait.reply;
      stay?.();
      waits.delete(wait);
      return { id, function: fn, reply };
    },
    release() {
      released = true;
      for (const wait of waits) wait.giveUp();
    },
  };
}

/** Outside every namespace that a client can have: a name may hold no blank. */
const REQUEST_IDS = 'request ids' as Namespace & FunctionName;

export function assertInputSize(bytes: number): void {
  if (bytes <= MAX_INPUT_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `The input has ${bytes} bytes; at most ${MAX_INPUT_BYTES} (1 MB) are allowed. Put larger data into storage and send its CID.`,
  );
}

/** One caller's wait for a reply; null when the time is up, or when it is given up. */
class Wait {
  readonly reply: Promise<Reply | null>;
  readonly #waiting: Waiting;
  readonly #timer: NodeJS.Timeout;
  #settle: (reply: Reply | null) => void = () => undefined;

  constructor(waiting: Waiting, waitMs: number) {
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
