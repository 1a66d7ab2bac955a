import type { AuditEntry } from './audit.js';

/** Small named values of the engine, such as callback secrets and key ids. */
export interface SettingStore {
  get(scope: string, name: string): Promise<string | null>;
  put(scope: string, name: string, value: string, audit: AuditEntry | null): Promise<void>;
  /** Stores the value if there is none. Resolves with the stored value. */
  putIfAbsent(scope: string, name: string, value: string): Promise<string>;
}
