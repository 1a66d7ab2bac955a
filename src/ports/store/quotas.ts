import type { Namespace } from '../../contract/ids.js';
import type { QuotaName } from '../../contract/quotas.js';

/** A namespace's usage that is counted in the store, in bytes instead of MB. */
export interface StoredUse {
  functions: number;
  /** Of the function with the most versions. */
  versionsPerFunction: number;
  triggers: number;
  secrets: number;
  keys: number;
  storageBytes: number;
}

/** Quotas that the admin has set for a namespace; the others have their defaults. */
export type QuotaOverrides = Readonly<Partial<Record<QuotaName, number>>>;

export interface QuotaStore {
  overrides(namespace: Namespace): Promise<QuotaOverrides>;
  /** Sets overrides; null removes one. */
  set(namespace: Namespace, changes: Readonly<Partial<Record<QuotaName, number | null>>>): Promise<void>;
  use(namespace: Namespace): Promise<StoredUse>;
  logBytes(namespace: Namespace, day: string): Promise<number>;
  /**
   * Adds to the log bytes of a namespace on a day, such as `2026-01-31`. Resolves with the sum of
   * all processes.
   */
  addLogBytes(namespace: Namespace, day: string, bytes: number): Promise<number>;
}
