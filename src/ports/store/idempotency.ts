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
  /** The claim that holds the key: this one if it was free or expired, else the earlier one. */
  claim(claim: IdempotencyClaim): Promise<IdempotencyClaim>;
  release(claim: IdempotencyClaim): Promise<void>;
}
