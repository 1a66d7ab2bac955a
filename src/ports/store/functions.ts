import type { FunctionSettings, FunctionVersion, WarmStart } from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { QuotaLimits } from '../../contract/quotas.js';
import type { VersionOrigin } from '../../contract/version-origin.js';
import type { AuditEntry } from './audit.js';

export interface NewVersion {
  namespace: Namespace;
  settings: FunctionSettings;
  wasmCid: string;
  /** Of the module. */
  wasmBytes?: number;
  warmStart: WarmStart;
  /** Why it does not start warmer; null or absent when it starts as its kind's best. */
  warmStartReason?: string | null;
  /** Its probe was not conclusive, and is to be repeated. */
  probePending?: boolean;
  createdBy: string;
  /** Absent: not told. */
  origin?: VersionOrigin;
  /** Absent: none. */
  limits?: Pick<QuotaLimits, 'functions' | 'versions_per_function' | 'triggers' | 'storage_mb'>;
}

export interface FunctionStore {
  /**
   * Adds the next version and puts the triggers of its settings in the place of those an earlier
   * deploy listed, in one step, or throws `quota_exceeded` and does nothing. The version's number
   * is put behind the audit entry's target. Versions count on after a delete. `id` and `created_at`
   * stay those of the function's first version. Throws `conflict`, and does nothing, when another
   * function of the namespace has one of its routes.
   */
  addVersion(version: NewVersion, audit?: AuditEntry): Promise<FunctionVersion>;
  latest(namespace: Namespace, name: FunctionName): Promise<FunctionVersion | null>;
  version(namespace: Namespace, name: FunctionName, version: number): Promise<FunctionVersion | null>;
  /** Newest first. */
  versions(namespace: Namespace, name: FunctionName): Promise<FunctionVersion[]>;
  /** The latest version of each, by name. */
  list(namespace: Namespace): Promise<FunctionVersion[]>;
  /** Whether there is or was a function of this name. */
  wasDeployed(namespace: Namespace, name: FunctionName): Promise<boolean>;
  /** The function, its versions and triggers; false when there was none. */
  remove(namespace: Namespace, name: FunctionName, audit?: AuditEntry): Promise<boolean>;
  count(): Promise<number>;
  /**
   * Of all namespaces, the versions that ran last, then those deployed last: what a process that
   * starts will need first.
   */
  recent(limit: number): Promise<FunctionVersion[]>;
  /** Of all namespaces, versions whose probe was not conclusive, the oldest first. */
  unsettled(limit: number): Promise<FunctionVersion[]>;
  /** Corrects how a version starts, and counts its probe as conclusive. */
  settleWarmStart(version: FunctionVersion, warmStart: WarmStart, reason: string | null): Promise<void>;
}
