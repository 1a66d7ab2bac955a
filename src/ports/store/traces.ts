import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { Trace } from '../../contract/trace.js';

/** The host calls of one attempt, and whose it is. */
export interface StoredTrace {
  namespace: Namespace;
  function: FunctionName;
  trace: Trace;
}

export interface TraceStore {
  /** Of the same attempt again it replaces the first. */
  put(trace: StoredTrace): Promise<void>;
  /** Of the last attempt that has one, unless an attempt is named. */
  get(namespace: Namespace, id: RequestId, attempt?: number): Promise<StoredTrace | null>;
  /** Deletes those made before; returns how many. Bounded work per call. */
  sweep(before: number): Promise<number>;
}
