import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { RolloutRecord, RolloutRequest } from '../../contract/rollout.js';
import type { StoredAlias } from './aliases.js';

/** A rollout that runs, or the last one of its function. */
export interface StoredRollout {
  namespace: Namespace;
  function: FunctionName;
  /** Changes with every write. */
  changeId: string;
  state: RolloutRecord['state'];
  to: number;
  from: number;
  request: RolloutRequest;
  /** Index into the request's steps. */
  step: number;
  stepStartedAt: number;
  calls: number;
  errors: number;
  p95Ms: number | null;
  reason: string | null;
  startedAt: number;
  updatedAt: number;
}

export interface RolloutStore {
  get(namespace: Namespace, fn: FunctionName): Promise<StoredRollout | null>;
  /** Of all namespaces. */
  running(): Promise<StoredRollout[]>;
  /** Begins it and moves the alias with it, in one step. False when one is running already. */
  start(rollout: Omit<StoredRollout, 'changeId'>, live: StoredAlias): Promise<boolean>;
  /**
   * The same for a change. False when the rollout is not what it was: another process has moved it
   * on.
   */
  move(from: StoredRollout, to: Omit<StoredRollout, 'changeId'>, live: StoredAlias): Promise<boolean>;
}

/** How the invocations of a version have ended. */
export interface VersionFigures {
  calls: number;
  errors: number;
  /** Of their last attempts; null without any. */
  p95Ms: number | null;
}
