import type { Alias } from '../../contract/alias.js';
import type { FunctionName, Namespace } from '../../contract/ids.js';

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
  put(alias: StoredAlias): Promise<void>;
  remove(namespace: Namespace, fn: FunctionName, alias: Alias): Promise<boolean>;
}
