import type { Namespace, RequestId } from '../../contract/ids.js';

/** Delivery status of an invocation's callback. */
export interface CallbackDelivery {
  url: string;
  attempts: number;
  deliveredAt: number | null;
  /** Error of the last attempt; null if it was delivered or not tried yet. */
  lastError: string | null;
}

export interface NewCallback {
  id: RequestId;
  namespace: Namespace;
  url: string;
  /** Size of the body. */
  bytes: number;
}

export interface CallbackAttempt {
  deliveredAt: number | null;
  error: string | null;
  /** True if no further attempt follows, although there could be one. */
  isLast: boolean;
}

/** Callbacks that wait for their delivery, and the size of their bodies. */
export interface WaitingCallbacks {
  count: number;
  bytes: number;
}

export interface CallbackStore {
  /** Records a callback before its first attempt. Adding it again changes nothing. */
  add(callback: NewCallback): Promise<void>;
  /**
   * Counts an attempt and adds the callback if it is unknown. A delivered callback stays delivered.
   * After MAX_CALLBACK_ATTEMPTS it has ended.
   */
  attempted(id: RequestId, url: string, outcome: CallbackAttempt): Promise<void>;
  /**
   * Resolves with the callbacks of a namespace that have not ended. Those of more than a day ago do
   * not count: their end could not be recorded.
   */
  waiting(namespace: Namespace): Promise<WaitingCallbacks>;
  /** Lists callbacks of all namespaces that were added before and have not ended, oldest first. */
  pending(before: number, limit: number): Promise<RequestId[]>;
  /** Ends those of these callbacks that have not ended. */
  giveUp(ids: readonly RequestId[], error: string): Promise<void>;
  get(ids: readonly RequestId[]): Promise<ReadonlyMap<string, CallbackDelivery>>;
  /** Deletes older records. Resolves with their number; the work per call is bounded. */
  sweep(before: number): Promise<number>;
}
