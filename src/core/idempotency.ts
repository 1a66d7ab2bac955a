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

/** A request with an `Idempotency-Key`. */
export interface KeyedRequest {
  namespace: Namespace;
  function: FunctionName;
  key: string;
  /**
   * The caller to whom the key belongs, if it is not the namespace itself: callers that do not trust
   * one another must not obtain each other's results. See `callerOf`.
   */
  caller?: string;
  input: Uint8Array;
  /** The version that the invocation runs if the key is new. */
  version: number;
}

/** Claims keys and request ids, so that each starts one invocation. */
export interface Idempotency {
  /**
   * Resolves with the claim that holds the key and whether its invocation was accepted. The second
   * caller waits for the first one to put the job on the queue: if both did so, a short job could
   * end before the other call looks, and run twice. Throws `idempotency_mismatch` if the key was
   * used with another body.
   *
   * @param fresh The id of the invocation if the key is new.
   */
  holdKey(request: KeyedRequest, fresh: RequestId): Promise<{ claim: IdempotencyClaim; known: boolean }>;
  /**
   * Claims an id that a client has chosen, which must be unique across all namespaces, since replies
   * and records are identified by it. Throws `conflict` if it is in use.
   */
  claimRequestId(id: RequestId): Promise<IdempotencyClaim>;
  /** Makes a key or an id usable again whose invocation was not accepted. Never rejects. */
  release(claim: IdempotencyClaim): Promise<void>;
}

export function createIdempotency({
  queue,
  store,
}: {
  queue: InvocationQueue;
  store: Pick<Store, 'attempts' | 'idempotency'>;
}): Idempotency {
  /**
   * Queries the queue first, then the store: a job leaves the queue only after its end is in the
   * store. An id that is in neither was never accepted, which means that the key's holder died
   * before.
   */
  const isKnown = async (id: RequestId): Promise<boolean> =>
    (await queue.get(id)) !== null || (await store.attempts.invocation(id)) !== null;

  const becomesKnown = async (id: RequestId): Promise<boolean> => {
    const end = performance.now() + HOLDER_MS;
    for (let pause = 5; ; pause *= 2) {
      if (await isKnown(id)) return true;
      if (performance.now() > end) return false;
      await sleep(pause);
    }
  };

  const claimKey = async (request: KeyedRequest, requestId: RequestId): Promise<IdempotencyClaim> => {
    const { namespace, function: name, caller, input, version } = request;
    const key = caller === undefined ? request.key : keyOf(caller, request.key);
    const bodyHash = createHash('sha256').update(input).digest('hex');
    const held = await store.idempotency.claim({
      ...{ namespace, function: name, key, bodyHash, requestId, version },
      expiresAt: Date.now() + IDEMPOTENCY_MS,
    });
    if (held.bodyHash === bodyHash) return held;
    throw new AppError(
      'idempotency_mismatch',
      `The Idempotency-Key ${JSON.stringify(request.key)} was used with another body in the last 24 hours; use a new key for a new request.`,
    );
  };

  return {
    async holdKey(request, fresh) {
      for (;;) {
        const claim = await claimKey(request, fresh);
        if (claim.requestId === fresh) return { claim, known: false };
        if (await becomesKnown(claim.requestId)) return { claim, known: true };
        // The holder has died, or its call was refused and it has released the key.
        const again = await claimKey(request, fresh);
        if (again.requestId === claim.requestId) return { claim, known: false };
        if (again.requestId === fresh) return { claim: again, known: false };
      }
    },

    async claimRequestId(id) {
      const token = newRequestId();
      const held = await store.idempotency.claim({
        ...{ namespace: REQUEST_IDS, function: REQUEST_IDS, key: id, bodyHash: '', requestId: token },
        version: 0,
        expiresAt: Date.now() + IDEMPOTENCY_MS,
      });
      if (held.requestId === token && !(await isKnown(id))) return held;
      throw new AppError(
        'conflict',
        `The request id ${id} is in use; send a new UUID in X-Request-ID, or none.`,
      );
    },

    async release(claim) {
      await store.idempotency.release(claim).catch(() => undefined);
    },
  };
}

/** Returns a key that no key of the namespace itself can equal: headers contain no line feed. */
function keyOf(caller: string, key: string): string {
  return `\n${createHash('sha256')
    .update(JSON.stringify([caller, key]))
    .digest('hex')}`;
}
