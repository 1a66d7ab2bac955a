import type { RequestId } from '../../contract/ids.js';

/** Delivery status of an invocation's callback. */
export interface CallbackDelivery {
  url: string;
  attempts: number;
  deliveredAt: number | null;
  /** Error of the last attempt; null if it was delivered or not tried yet. */
  lastError: string | null;
}

export interface CallbackStore {
  /** Records a callback before its first attempt. Adding it again changes nothing. */
  add(id: RequestId, url: string): Promise<void>;
  /**
   * Counts an attempt and adds the callback if it is unknown. A delivered callback stays delivered.
   */
  attempted(
    id: RequestId,
    url: string,
    outcome: { deliveredAt: number | null; error: string | null },
  ): Promise<void>;
  get(ids: readonly RequestId[]): Promise<ReadonlyMap<string, CallbackDelivery>>;
  /** Deletes older records. Resolves with their number; the work per call is bounded. */
  sweep(before: number): Promise<number>;
}
