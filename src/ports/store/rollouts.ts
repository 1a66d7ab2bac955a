import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { RolloutRecord, RolloutRequest } from '../../contract/rollout.js';
import type { StoredAlias } from './aliases.js';
import type { AuditEntry } from './audit.js';

/** A running rollout, or the last one of its function. */
export interface StoredRollout {
  namespace: Namespace;
  function: FunctionName;
  /** Changes with every write. */
  changeId: string;
  state: RolloutRecord['state'];
  to: number;
  from: number;
  /**
   * Whether the rollout made the alias `live` although `from` was the newest version. The alias is
   * then removed when the rollout goes back, unless a version has been deployed meanwhile.
   */
  createdLive: boolean;
  request: RolloutRequest;
  /** Index in the request's steps. */
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
  /** Lists the running rollouts of all namespaces. */
  running(): Promise<StoredRollout[]>;
  /** Lists the rollouts of all namespaces that have ended and whose end was not `announced`. */
  unannounced(): Promise<StoredRollout[]>;
  /** Records that the end of a rollout has been published. */
  announced(ended: Pick<StoredRollout, 'namespace' | 'function' | 'updatedAt'>): Promise<void>;
  /**
   * Starts a rollout and updates the alias, atomically. Nothing is changed if one is already
   * `running`, or if the state that it starts from has `changed`: the alias is not `live.before`,
   * or one of the two versions is missing. The audit entry is written only with the change. Throws
   * `conflict` if another function has a route of one of the two versions, which keep their routes
   * while the rollout runs.
   */
  start(
    rollout: Omit<StoredRollout, 'changeId'>,
    live: { before: StoredAlias | null; after: StoredAlias },
    audit: AuditEntry,
  ): Promise<'started' | 'running' | 'changed'>;
  /**
   * Changes a rollout and the alias, atomically. Resolves with false if another process has changed
   * the rollout since it was read; the audit entry is written only with the change.
   */
  move(
    from: StoredRollout,
    to: Omit<StoredRollout, 'changeId'>,
    live: StoredAlias,
    audit: AuditEntry | null,
  ): Promise<boolean>;
}

/** How the invocations of a version ended. */
export interface VersionFigures {
  calls: number;
  errors: number;
  /** 95th percentile of the durations of last attempts; null if there are none. */
  p95Ms: number | null;
}
