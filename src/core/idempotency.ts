import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import { AppError } from '../errors.js';
import type { InvocationQueue } from '../ports/queue.js';
import type { IdempotencyClaim } from '../ports/store/idempotency.js';
import type { Store } from '../ports/store.js';
import { newRequestId } from './job.js';

/** How long a key and the result of its invocation are remembered. */
export const IDEMPOTENCY_MS = 24 * 3600 * 1000;
/**
 * If the holder of an idempotency key has not put a job on the queue within this time, it is
 * considered dead.
 */
const HOLDER_MS = 2000;
/** Not a valid namespace, as names contain no spaces. */
const REQUEST_IDS = 'request ids' as Namespace & FunctionName;
/** The owner of a request id that was sent without a key: the request cannot be repeated. */
const NO_KEY = '';

/** What decides which invocation a request is. */
export interface ClaimRequest {
  namespace: Namespace;
  function: FunctionName;
  idempotencyKey?: string;
  /**
   * The caller to whom the key belongs, if it is not the namespace itself: callers that do not
   * trust one another must not obtain each other's results. See `callerOf`.
   */
  caller?: string;
  /** An id chosen by the client. */
  requestId?: RequestId;
  input: Uint8Array;
}

/** The invocation that a request starts or repeats. */
export interface ClaimedInvocation {
  id: RequestId;
  /** True if an earlier request with the same key was accepted. */
  isKnown: boolean;
  /** The claim of the key; null for requests without one. */
  key: IdempotencyClaim | null;
  /** The claims to release if the invocation is not accepted. */
  held: IdempotencyClaim[];
}

/** Claims keys and request ids, so that each starts one invocation. */
export interface Idempotency {
  /**
   * Resolves with the invocation of a request. The second caller with a key waits for the first one
   * to put the job on the queue: if both did so, a short job could end before the other call looks,
   * and run twice. A request id that is in use is accepted only from a repeated request, which has
   * the same key; otherwise it throws `conflict`. With a key, the id of a call that was refused is
   * replaced by a new one. Request ids are unique across all namespaces,
   * since replies and records are identified by them. Throws `idempotency_mismatch` if the key was
   * used with another body.
   *
   * @param version The version that the invocation runs if the key is new.
   */
  claim(request: ClaimRequest, version: number): Promise<ClaimedInvocation>;
  /** Makes keys and ids usable again whose invocation was not accepted. Never rejects. */
  release(claims: readonly IdempotencyClaim[]): Promise<void>;
}

export interface IdempotencyDeps {
  queue: InvocationQueue;
  store: Pick<Store, 'attempts' | 'idempotency'>;
}

export function createIdempotency(deps: IdempotencyDeps): Idempotency {
  return new StoredIdempotency(deps);
}

class StoredIdempotency implements Idempotency {
  readonly #queue: InvocationQueue;
  readonly #store: IdempotencyDeps['store'];

  constructor({ queue, store }: IdempotencyDeps) {
    this.#queue = queue;
    this.#store = store;
  }

  async claim(request: ClaimRequest, version: number): Promise<ClaimedInvocation> {
    const { requestId } = request;
    if (requestId === undefined || (await this.#wasRefused(request))) {
      return this.#claimKeyOrNone(request, newRequestId(), version);
    }
    const first = await this.#claimBoth(request, requestId, version);
    if (first.isOwn) return first.claimed;
    if (await this.#becomesKnown(requestId)) return { ...first.claimed, isKnown: true, held: [] };
    // The earlier request has died, or was refused and has released its claims: without a claim of
    // this one, the next request with the key would be another invocation.
    return (await this.#claimBoth(request, requestId, version)).claimed;
  }

  /**
   * Resolves with whether the request repeats a call that its worker refused before it ran. That
   * call has released its key, but its id stays its own: the next try gets another one.
   */
  async #wasRefused(request: ClaimRequest): Promise<boolean> {
    const { namespace, function: name, requestId, idempotencyKey } = request;
    if (requestId === undefined || idempotencyKey === undefined) return false;
    const [end, ...others] = (await this.#store.attempts.invocation(requestId))?.attempts ?? [];
    if (end?.namespace !== namespace || end.function !== name || others.length > 0) return false;
    return end.attempt === 0 && end.final?.state === 'error';
  }

  /**
   * Claims a request id and the key. `isOwn` is false if both are held by an earlier request, of
   * which it is not known yet whether it was accepted.
   */
  async #claimBoth(
    request: ClaimRequest,
    requestId: RequestId,
    version: number,
  ): Promise<{ claimed: ClaimedInvocation; isOwn: boolean }> {
    // The id first: a key must never be bound to an invocation of somebody else.
    const id = await this.#claimId(requestId, ownerOf(request));
    try {
      const claimed = await this.#claimKeyOrNone(request, requestId, version);
      if (claimed.id === requestId)
        return { claimed: { ...claimed, held: [...claimed.held, id.claim] }, isOwn: id.isOwn };
      // The key has another id, so this one stays free.
      if (id.isOwn) await this.release([id.claim]);
      return { claimed, isOwn: true };
    } catch (error) {
      if (id.isOwn) await this.release([id.claim]);
      throw error;
    }
  }

  async release(claims: readonly IdempotencyClaim[]): Promise<void> {
    for (const claim of claims) await this.#store.idempotency.release(claim).catch(() => undefined);
  }

  async #claimKeyOrNone(
    request: ClaimRequest,
    fresh: RequestId,
    version: number,
  ): Promise<ClaimedInvocation> {
    const { idempotencyKey } = request;
    if (idempotencyKey === undefined) return { id: fresh, isKnown: false, key: null, held: [] };
    const { claim: key, isKnown } = await this.#holdKey(request, idempotencyKey, fresh, version);
    return { id: key.requestId, isKnown, key, held: isKnown ? [] : [key] };
  }

  /** Claims a key for the invocation `fresh`, or finds the invocation that has it. */
  async #holdKey(
    request: ClaimRequest,
    key: string,
    fresh: RequestId,
    version: number,
  ): Promise<{ claim: IdempotencyClaim; isKnown: boolean }> {
    for (;;) {
      const claim = await this.#claimKey(request, key, fresh, version);
      if (claim.requestId === fresh) return { claim, isKnown: false };
      if (await this.#becomesKnown(claim.requestId)) return { claim, isKnown: true };
      // The holder has died, or its call was refused and it has released the key.
      const again = await this.#claimKey(request, key, fresh, version);
      if (again.requestId === claim.requestId) return { claim, isKnown: false };
      if (again.requestId === fresh) return { claim: again, isKnown: false };
    }
  }

  async #claimKey(
    request: ClaimRequest,
    key: string,
    requestId: RequestId,
    version: number,
  ): Promise<IdempotencyClaim> {
    const { namespace, function: name, caller, input } = request;
    const bodyHash = createHash('sha256').update(input).digest('hex');
    const held = await this.#store.idempotency.claim({
      ...{ namespace, function: name, bodyHash, requestId, version },
      key: caller === undefined ? key : keyOf(caller, key),
      expiresAt: Date.now() + IDEMPOTENCY_MS,
    });
    if (held.bodyHash === bodyHash) return held;
    throw new AppError(
      'idempotency_mismatch',
      `The Idempotency-Key ${JSON.stringify(key)} was used with another body in the last 24 hours; use a new key for a new request.`,
    );
  }

  /**
   * Claims an id that a client has chosen. Resolves with the claim that holds it and whether that
   * is this request's own or that of an earlier request of the same owner. Throws `conflict` if the
   * id is in use otherwise.
   */
  async #claimId(id: RequestId, owner: string): Promise<{ claim: IdempotencyClaim; isOwn: boolean }> {
    const token = newRequestId();
    const claim = await this.#store.idempotency.claim({
      ...{ namespace: REQUEST_IDS, function: REQUEST_IDS, key: id, bodyHash: owner, requestId: token },
      version: 0,
      expiresAt: Date.now() + IDEMPOTENCY_MS,
    });
    const isOwn = claim.requestId === token;
    if (!isOwn && owner !== NO_KEY && claim.bodyHash === owner) return { claim, isOwn };
    if (!isOwn) throw inUse(id);
    try {
      if (!(await this.#isKnown(id))) return { claim, isOwn };
    } catch (error) {
      await this.release([claim]);
      throw error;
    }
    throw inUse(id);
  }

  async #becomesKnown(id: RequestId): Promise<boolean> {
    const end = performance.now() + HOLDER_MS;
    for (let pause = 5; ; pause *= 2) {
      if (await this.#isKnown(id)) return true;
      if (performance.now() > end) return false;
      await sleep(pause);
    }
  }

  /**
   * Queries the queue first, then the store: a job leaves the queue only after its end is in the
   * store. An id that is in neither was never accepted, which means that the key's holder died
   * before.
   */
  async #isKnown(id: RequestId): Promise<boolean> {
    return (await this.#queue.get(id)) !== null || (await this.#store.attempts.invocation(id)) !== null;
  }
}

function inUse(id: RequestId): AppError {
  return new AppError(
    'conflict',
    `The request id ${id} is in use; send a new UUID in X-Request-ID, or none.`,
  );
}

/** Identifies the requests that may repeat one another: they have the same key. */
function ownerOf({ namespace, function: name, caller, idempotencyKey }: ClaimRequest): string {
  if (idempotencyKey === undefined) return NO_KEY;
  return createHash('sha256')
    .update(JSON.stringify([namespace, name, caller ?? null, idempotencyKey]))
    .digest('hex');
}

/** Returns a key that no key of the namespace itself can equal: headers contain no line feed. */
function keyOf(caller: string, key: string): string {
  return `\n${createHash('sha256')
    .update(JSON.stringify([caller, key]))
    .digest('hex')}`;
}
