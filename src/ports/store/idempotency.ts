import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';

/** A hold on an Idempotency-Key: its requests are one invocation. */
export interface KeyClaim {
  namespace: Namespace;
  function: FunctionName;
  key: string;
  /** Hash of the body, for HTTP functions together with method, path and query. */
  bodyHash: string;
  requestId: RequestId;
  version: number;
  expiresAt: number;
}

/** A hold on a request id that a client has chosen. */
export interface IdClaim {
  requestId: RequestId;
  /**
   * A hash of namespace, function, caller and idempotency key; empty for a request without a key.
   */
  owner: string;
  /** Distinguishes the claims of one owner. */
  token: string;
  expiresAt: number;
}

export type Claim = KeyClaim | IdClaim;

export interface IdempotencyStore {
  /**
   * Resolves with the claim that holds the key: the given one if the key was free or expired,
   * otherwise the earlier one.
   */
  claimKey(claim: KeyClaim): Promise<KeyClaim>;
  /** Like `claimKey`, for a request id. */
  claimId(claim: IdClaim): Promise<IdClaim>;
  /**
   * Extends a claim, provided that it is still held as given: of several callers with the same
   * claim, one succeeds. Resolves with the new claim, or with null if the claim has been released,
   * has expired or was renewed by another caller.
   */
  renew<C extends Claim>(claim: C, expiresAt: number): Promise<C | null>;
  /** Frees the key or id, unless another caller holds or has renewed it. */
  release(claim: Claim): Promise<void>;
}
