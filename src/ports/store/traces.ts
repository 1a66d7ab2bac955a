import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { Trace } from '../../contract/trace.js';

/** The recorded host calls of one attempt, with its owner. */
export interface StoredTrace {
  namespace: Namespace;
  function: FunctionName;
  trace: Trace;
}

export interface TraceStore {
  /** Stores a trace; replaces one of the same attempt. */
  put(trace: StoredTrace): Promise<void>;
  /** Resolves with the trace of the given attempt, or of the last attempt that has one. */
  get(namespace: Namespace, id: RequestId, attempt?: number): Promise<StoredTrace | null>;
  /** Deletes older traces. Resolves with their number; the work per call is bounded. */
  sweep(before: number): Promise<number>;
}
