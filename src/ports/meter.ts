import type { FunctionName, Namespace } from '../contract/ids.js';
import type { TriggerKind } from '../contract/invocation.js';
import type { FinalState } from '../contract/invocation-state.js';

/** Receives metrics of the use cases. Methods never throw and are cheap. */
export interface Meter {
  /** Counts invocations that are durable on the queue. */
  accepted(trigger: TriggerKind, count: number): void;
  /** Counts one attempt. */
  attempted(run: { namespace: Namespace; function: FunctionName; status: string; seconds: number }): void;
  /** Counts one ended invocation; `reason` is set for dead ones. */
  ended(state: FinalState, reason: string | null): void;
  /** Counts one host call. */
  hostCalled(name: string, ok: boolean): void;
}

/** The labels that identify the owner of a series. */
interface NamespaceSeries {
  namespace: string;
  /** Undefined if the series is not specific to one function. */
  function: string | undefined;
}

/** The series that a key may see. */
export interface OwnSeries {
  namespace: string;
  has(series: NamespaceSeries): boolean;
}
