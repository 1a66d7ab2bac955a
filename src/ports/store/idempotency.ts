import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';

export interface IdempotencyClaim {
  namespace: Namespace;
  function: FunctionName;
  key: string;
  bodyHash: string;
  requestId: RequestId;
  version: number;
  expiresAt: number;
}

export interface IdempotencyStore {
  /**
   * Resolves with the claim that holds the key: the given one if the key was free or expired,
   * otherwise the earlier one.
   */
  claim(claim: IdempotencyClaim): Promise<IdempotencyClaim>;
  /**
   * Extends a claim, provided that it is still held as given: of several callers with the same
   * claim, one succeeds. Resolves with the new claim, or with null if the claim has been released,
   * has expired or was renewed by another caller.
   */
  renew(claim: IdempotencyClaim, expiresAt: number): Promise<IdempotencyClaim | null>;
  /** Frees the key, unless another caller holds or has renewed it. */
  release(claim: IdempotencyClaim): Promise<void>;
}
