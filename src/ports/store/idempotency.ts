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
  release(claim: IdempotencyClaim): Promise<void>;
}
