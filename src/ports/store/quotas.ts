import type { Namespace } from '../../contract/ids.js';
import type { QuotaName } from '../../contract/quotas.js';

/** What is counted of a namespace in the store. Bytes, not MB. */
export interface StoredUse {
  functions: number;
  /** Of the function that has most. */
  versionsPerFunction: number;
  triggers: number;
  secrets: number;
  keys: number;
  storageBytes: number;
}

/** What the admin has set for a namespace; a quota that is not in it has its default. */
export type QuotaOverrides = Readonly<Partial<Record<QuotaName, number>>>;

export interface QuotaStore {
  overrides(namespace: Namespace): Promise<QuotaOverrides>;
  /** null takes an override away. */
  set(namespace: Namespace, changes: Readonly<Partial<Record<QuotaName, number | null>>>): Promise<void>;
  use(namespace: Namespace): Promise<StoredUse>;
  logBytes(namespace: Namespace, day: string): Promise<number>;
  /**
   * Adds to the log bytes of a namespace on a day, such as `2026-01-31`; returns those of all
   * processes.
   */
  addLogBytes(namespace: Namespace, day: string, bytes: number): Promise<number>;
}
