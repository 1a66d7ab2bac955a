import type { AuditEntry } from './audit.js';

/** Small named values of the engine: callback secrets, key ids. */
export interface SettingStore {
  get(scope: string, name: string): Promise<string | null>;
  put(scope: string, name: string, value: string, audit?: AuditEntry): Promise<void>;
  /** Writes only when absent; returns the one that holds. */
  putIfAbsent(scope: string, name: string, value: string): Promise<string>;
}
