import type {
  FunctionRecord,
  FunctionSettings,
  FunctionVersion,
  WarmStart,
} from '../../contract/function.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { QuotaLimits } from '../../contract/quotas.js';
import type { VersionOrigin } from '../../contract/version-origin.js';
import type { AuditEntry } from './audit.js';

export interface NewVersion {
  namespace: Namespace;
  settings: FunctionSettings;
  wasmCid: string;
  /** Size of the module. */
  wasmBytes?: number;
  warmStart: WarmStart;
  /**
   * Why a faster start strategy is not used; null or absent if the best strategy of its kind is
   * used.
   */
  warmStartReason?: string | null;
  /** The probe was inconclusive and will be repeated. */
  probePending?: boolean;
  createdBy: string;
  /** The name of the key in `createdBy`; null or absent for wallets. */
  createdByName?: string | null;
  /** Undefined if not given. */
  origin?: VersionOrigin;
  limits: Pick<QuotaLimits, 'functions' | 'versions_per_function' | 'triggers' | 'storage_mb'>;
}

/** What the quotas of a deploy depend on. */
export type QuotaRelevant = Pick<NewVersion, 'namespace' | 'settings' | 'wasmCid' | 'wasmBytes' | 'limits'>;

export interface FunctionStore {
  /** Throws `quota_exceeded` if `addVersion` would. Changes and reserves nothing. */
  assertWithinQuotas(version: QuotaRelevant): Promise<void>;
  /**
   * Adds the next version and replaces the triggers of earlier deploys by those of its settings,
   * atomically. The version number is appended to the audit entry's target. Version numbers
   * continue after a delete; `id` and `created_at` are those of the function's first version.
   * Throws `quota_exceeded`, or `conflict` if another function of the namespace has one of its
   * routes; then nothing is changed. A function has the routes of every version that can be live.
   */
  addVersion(version: NewVersion, audit: AuditEntry): Promise<FunctionVersion>;
  latest(namespace: Namespace, name: FunctionName): Promise<FunctionVersion | null>;
  version(namespace: Namespace, name: FunctionName, version: number): Promise<FunctionVersion | null>;
  /** Lists the records of versions, newest first. */
  versions(namespace: Namespace, name: FunctionName): Promise<FunctionRecord[]>;
  /** Lists the records of the latest version of each function, by name. */
  list(namespace: Namespace): Promise<FunctionRecord[]>;
  /** Like `list`, with the metadata except `env`, of which many functions have much. */
  listWithoutEnv(namespace: Namespace): Promise<FunctionVersion[]>;
  /**
   * Resolves with a text that is another one after each deploy and removal of a function of the
   * namespace, and each change of an alias `live`. Cheap to read.
   */
  stamp(namespace: Namespace): Promise<string>;
  /** Resolves with the size of a module of the namespace; null if it has none of this CID. */
  moduleBytes(namespace: Namespace, cid: string): Promise<number | null>;
  /** Resolves with whether a function of this name exists or has existed. */
  wasDeployed(namespace: Namespace, name: FunctionName): Promise<boolean>;
  /**
   * Deletes a function with its versions and triggers. Resolves with the CIDs of its modules, or
   * with null if it does not exist.
   */
  remove(namespace: Namespace, name: FunctionName, audit: AuditEntry): Promise<string[] | null>;
  count(): Promise<number>;
  /**
   * Lists versions of all namespaces, first those that ran last, then those deployed last: the ones
   * that a starting process is likely to need.
   */
  recent(limit: number): Promise<FunctionVersion[]>;
  /**
   * Lists versions of all namespaces with an inconclusive probe, oldest first, after `skipped` of
   * them.
   */
  probePending(limit: number, skipped: number): Promise<FunctionVersion[]>;
  /** Sets the start strategy of a version and marks its probe as conclusive. */
  recordWarmStart(version: FunctionVersion, warmStart: WarmStart, reason: string | null): Promise<void>;
}
