import type { RequestId } from '../../contract/ids.js';

/** How the delivery of an invocation's result to its callback URL went. */
export interface CallbackDelivery {
  url: string;
  attempts: number;
  deliveredAt: number | null;
  /** Of the last attempt; null when it was delivered, or not tried yet. */
  lastError: string | null;
}

export interface CallbackStore {
  /** Before the first attempt; again it changes nothing. */
  add(id: RequestId, url: string): Promise<void>;
  /**
   * Counts an attempt, the first of which it need not know of. What was delivered once stays so.
   */
  attempted(
    id: RequestId,
    url: string,
    outcome: { deliveredAt: number | null; error: string | null },
  ): Promise<void>;
  get(ids: readonly RequestId[]): Promise<ReadonlyMap<string, CallbackDelivery>>;
  /** Deletes those made before; returns how many. Bounded work per call. */
  sweep(before: number): Promise<number>;
}
