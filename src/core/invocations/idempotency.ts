import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import { DAY_MS } from '../../contract/limits.js';
import { AppError, isAppError } from '../../errors.js';
import type { Backlog } from '../../ports/backlog.js';
import { type InvocationQueue, MAX_ADD_MS } from '../../ports/queue.js';
import type { Claim, IdClaim, KeyClaim } from '../../ports/store/idempotency.js';
import type { Store } from '../../ports/store.js';
import { newRequestId } from './job.js';
import { readRecorded } from './read-recorded.js';

/** How long a key and the result of its invocation are remembered. */
export const IDEMPOTENCY_MS = DAY_MS;
/**
 * The lease of an idempotency key, in milliseconds: if its holder has not put a job on the queue
 * within this time, another request with the key takes it over. A holder that was only slow adds
 * nothing any more.
 */
export const LEASE_MS = 4000;
/** The owner of a request id that was sent without a key: the request cannot be repeated. */
const NO_KEY = '';

/** The part of a request that decides which invocation it starts or repeats. */
export interface ClaimRequest {
  namespace: Namespace;
  function: FunctionName;
  idempotencyKey?: string;
  /**
   * Whether a request with the same key and another body or target is the same invocation, and not
   * refused.
   */
  bodyMayChange?: boolean;
  /**
   * What a repeated request has in common with the first one besides its body: for HTTP functions
   * the method, path and query.
   */
  target?: string;
  /**
   * The caller to whom the key belongs, if it is not the namespace itself: callers that do not
   * trust one another must not obtain each other's results. See `callerOf`.
   */
  caller?: string;
  /** An id chosen by the client; one that is in use is refused as `conflict`. */
  requestId?: RequestId;
  /** How long the key is remembered, in milliseconds; default: `IDEMPOTENCY_MS`. */
  rememberMs?: number;
  input: Uint8Array;
}

/** The invocation that a request starts or repeats. */
export interface ClaimedInvocation {
  id: RequestId;
  /** True if an earlier request with the same key was accepted. */
  isKnown: boolean;
  /** The claim of the key; null for requests without one. */
  key: KeyClaim | null;
  /** The claims to release if the invocation is not accepted. */
  held: Claim[];
  /**
   * The job must be sent to the queue before this time, by `performance.now()`: later, another
   * request with the key may have taken over. Infinity for requests without a key.
   */
  addBefore: number;
}

export interface IdempotencyDeps {
  queue: InvocationQueue;
  store: Pick<Store, 'attempts' | 'idempotency'>;
  /** Holds records of ended invocations that are not in the store yet. */
  backlog: Pick<Backlog, 'size'>;
}

/** Claims keys and request ids, so that each starts one invocation. */
export class Idempotency {
  readonly #queue: InvocationQueue;
  readonly #store: IdempotencyDeps['store'];
  readonly #backlog: IdempotencyDeps['backlog'];

  constructor({ queue, store, backlog }: IdempotencyDeps) {
    this.#queue = queue;
    this.#store = store;
    this.#backlog = backlog;
  }

  /**
   * Resolves with the invocation of a request. The second caller with a key waits for the first one
   * to put the job on the queue: if both did so, a short job could end before the other call looks,
   * and run twice. A request id that is in use is accepted only from a repeated request, which has
   * the same key; otherwise it throws `conflict`. With a key, the id of a call that was refused is
   * replaced by a new one. Request ids are unique across all namespaces, since replies and records
   * are identified by them. Throws `idempotency_mismatch` if the key was used with another body or
   * target and that may not change, and `unavailable` if it is unknown for now whether the first
   * request was accepted.
   *
   * @param version The version that the invocation runs if the key is new.
   */
  async claim(request: ClaimRequest, version: number): Promise<ClaimedInvocation> {
    const { requestId: _, ...withoutId } = request;
    const claiming = (await this.#wasRefused(request)) ? withoutId : request;
    for (;;) {
      const claimed = await this.#tryClaim(claiming, version).catch(asRefusal);
      if (claimed !== null) return claimed;
    }
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
    return !end.isAttempt && end.attempt === 0 && end.final?.state === 'error';
  }

  /** Makes keys and ids usable again whose invocation was not accepted. Never rejects. */
  async release(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) await this.#store.idempotency.release(claim).catch(() => undefined);
  }

  /** Resolves with null when the holder of the key has changed meanwhile. */
  async #tryClaim(request: ClaimRequest, version: number): Promise<ClaimedInvocation | null> {
    const { requestId, idempotencyKey } = request;
    // The lease begins when another request can see the claim, so not before this.
    const startedAt = performance.now();
    // The id first: a key must never be bound to an invocation of somebody else.
    const chosen = requestId === undefined ? null : await this.#claimId(requestId, ownerOf(request));
    const fresh = requestId ?? newRequestId();
    const ids = chosen === null ? [] : [chosen.claim];
    if (idempotencyKey === undefined)
      return { id: fresh, isKnown: false, key: null, held: ids, addBefore: Number.POSITIVE_INFINITY };
    const releaseId = () => (chosen?.isOwn ? this.release(ids) : undefined);
    let key: KeyClaim;
    try {
      key = await this.#claimKey(request, idempotencyKey, fresh, version);
    } catch (error) {
      await releaseId();
      throw error;
    }
    const { requestId: id } = key;
    // The key has another id, so this one stays free.
    if (id !== fresh) await releaseId();
    else if (chosen?.isOwn !== false)
      return { id, isKnown: false, key, held: [key, ...ids], addBefore: addBefore(startedAt) };
    if (await this.#becomesKnown(id))
      return { id, isKnown: true, key, held: [], addBefore: Number.POSITIVE_INFINITY };
    // The holder has died, is too late, or was refused and has released the key. Of several
    // requests that wait for it, one takes over, and the others wait for that one.
    const takenAt = performance.now();
    const taken = await this.#takeOver(key, id === fresh ? ids : [], request.rememberMs);
    return taken && { id, isKnown: false, ...taken, addBefore: addBefore(takenAt) };
  }

  /** Renews all claims, or none: then another request holds one of them. */
  async #takeOver(
    claim: KeyClaim,
    ids: readonly IdClaim[],
    rememberMs?: number,
  ): Promise<Pick<ClaimedInvocation, 'key' | 'held'> | null> {
    const held: Claim[] = [];
    for (const id of ids) {
      const renewed = await this.#renew(id);
      if (renewed === null) {
        await this.release(held);
        return null;
      }
      held.push(renewed);
    }
    const key = await this.#renew(claim, rememberMs);
    if (key !== null) return { key, held: [...held, key] };
    await this.release(held);
    return null;
  }

  #renew<C extends Claim>(claim: C, rememberMs = IDEMPOTENCY_MS): Promise<C | null> {
    return this.#store.idempotency.renew(claim, Date.now() + rememberMs);
  }

  async #claimKey(
    request: ClaimRequest,
    key: string,
    requestId: RequestId,
    version: number,
  ): Promise<KeyClaim> {
    const { namespace, function: name, caller, input, target, bodyMayChange, rememberMs } = request;
    const inputHash = hash('sha256', input);
    const bodyHash = target === undefined ? inputHash : hash('sha256', JSON.stringify([target, inputHash]));
    const held = await this.#store.idempotency.claimKey({
      namespace,
      function: name,
      bodyHash,
      requestId,
      version,
      key: caller === undefined ? key : keyOf(caller, key),
      expiresAt: Date.now() + (rememberMs ?? IDEMPOTENCY_MS),
    });
    // Earlier versions stored the hash of the input for all requests.
    if (bodyMayChange || held.bodyHash === bodyHash || held.bodyHash === inputHash) return held;
    const other = target === undefined ? 'another body' : 'another method, path, query or body';
    throw new AppError(
      'idempotency_mismatch',
      `The Idempotency-Key ${JSON.stringify(key)} was used with ${other} in the last 24 hours; use a new key for a new request.`,
    );
  }

  /**
   * Claims an id that a client has chosen. Resolves with the claim that holds it and whether that
   * is this request's own or that of an earlier request of the same owner. Throws `conflict` if the
   * id is in use otherwise.
   */
  async #claimId(id: RequestId, owner: string): Promise<{ claim: IdClaim; isOwn: boolean }> {
    const token = newRequestId();
    const expiresAt = Date.now() + IDEMPOTENCY_MS;
    const claim = await this.#store.idempotency.claimId({ requestId: id, owner, token, expiresAt });
    const isOwn = claim.token === token;
    if (!isOwn && owner !== NO_KEY && claim.owner === owner) return { claim, isOwn };
    if (!isOwn) throw inUse(id);
    try {
      if (!(await this.#isKnown(id))) return { claim, isOwn };
    } catch (error) {
      await this.release([claim]);
      throw error;
    }
    throw inUse(id);
  }

  /** Throws `unavailable` if the invocation may have ended without a record in the store yet. */
  async #becomesKnown(id: RequestId): Promise<boolean> {
    const end = performance.now() + LEASE_MS;
    for (let pause = 5; performance.now() <= end; pause *= 2) {
      if (await this.#isKnown(id)) return true;
      await sleep(pause);
    }
    if ((await this.#queue.get(id)) !== null) return true;
    return (await readRecorded({ attempts: this.#store.attempts, backlog: this.#backlog }, id)) !== null;
  }

  /**
   * Queries the queue first, then the store: a job leaves the queue only after its end is in the
   * store. An id that is in neither has not been accepted.
   */
  async #isKnown(id: RequestId): Promise<boolean> {
    return (await this.#queue.get(id)) !== null || (await this.#store.attempts.invocation(id)) !== null;
  }
}

/** A claim whose write may have taken place is no invocation: nothing has been accepted. */
function asRefusal(cause: unknown): never {
  if (!isAppError(cause, 'ambiguous_write')) throw cause;
  throw new AppError('unavailable', 'The store cannot be reached right now; try again in a moment.', {
    cause,
    retryAfter: 1,
  });
}

/** Returns until when a holder whose lease begins at `leasedAt` may send its job to the queue. */
function addBefore(leasedAt: number): number {
  return leasedAt + LEASE_MS - MAX_ADD_MS;
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
  return hash('sha256', JSON.stringify([namespace, name, caller ?? null, idempotencyKey]));
}

/** Returns a key that no key of the namespace itself can equal: headers contain no line feed. */
function keyOf(caller: string, key: string): string {
  return `\n${hash('sha256', JSON.stringify([caller, key]))}`;
}
