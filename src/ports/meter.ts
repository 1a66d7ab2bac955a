import type { FunctionName, Namespace } from '../contract/ids.js';
import type { FinalState, TriggerKind } from '../contract/invocation.js';

/** What the use cases tell of themselves, for /metrics. Never throws, costs next to nothing. */
export interface Meter {
  /** Invocations made durable on the queue. */
  accepted(trigger: TriggerKind, count: number): void;
  /** One attempt has run. */
  attempted(run: { namespace: Namespace; function: FunctionName; status: string; seconds: number }): void;
  /** One invocation is over; `reason` says why a dead one is dead. */
  ended(state: FinalState, reason: string | null): void;
  /** A host call was answered. */
  hostCalled(name: string, ok: boolean): void;
}

/** The labels by which a series is somebody's own. */
export interface NamespaceSeries {
  namespace: string;
  /** Absent where it is not of one function. */
  function: string | undefined;
}
