import type { Alias } from '../../contract/alias.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';
import type { AuditEntry } from './audit.js';

export interface StoredAlias {
  namespace: Namespace;
  function: FunctionName;
  alias: Alias;
  version: number;
  /** Percentage by version number. */
  weights: Readonly<Record<string, number>>;
  updatedAt: number;
}

export interface AliasStore {
  /** Lists the aliases of all functions of a namespace. */
  list(namespace: Namespace): Promise<StoredAlias[]>;
  /**
   * Writes the audit entry together with the change. Resolves with false, and changes nothing, if
   * the function does not have all versions of the alias, or if the alias is `live` and a rollout
   * of the function is running. Throws `conflict` if the alias is `live`
   * and another function has a route of one of its versions; then nothing is changed.
   */
  put(alias: StoredAlias, audit: AuditEntry): Promise<boolean>;
  /**
   * Resolves with false, and writes no audit entry, if there is no such alias, or if it is `live`
   * and a rollout of the function is running.
   */
  remove(namespace: Namespace, fn: FunctionName, alias: Alias, audit: AuditEntry): Promise<boolean>;
}
