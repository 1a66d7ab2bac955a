import type { Namespace } from '../../contract/ids.js';
import type { KeyRecord } from '../../contract/records.js';
import type { GrantedScope } from '../../contract/scopes.js';
import type { AuditEntry } from './audit.js';

export interface NewKey {
  /** A UUIDv7. */
  id: string;
  namespace: Namespace;
  name: string;
  /** SHA-256 of the whole key, hex. */
  hash: string;
  isAdmin: boolean;
  scopes: readonly GrantedScope[];
  functions: readonly string[] | null;
  /** Unix milliseconds; null for one that holds until it is revoked. */
  expiresAt: number | null;
  /** Subject of the credential that made it. */
  createdBy: string;
  /**
   * What must hold while it is added, and ends it when it is revoked; its own makers are the key's,
   * too.
   */
  maker: KeyMaker | null;
}

export type KeyMaker = { kind: 'key'; id: string } | { kind: 'session'; family: string };

export interface StoredKey extends KeyRecord {
  isAdmin: boolean;
  /** `expires_at` in Unix milliseconds. */
  expiresAt: number | null;
}

export interface KeyStore {
  /**
   * null, and nothing has changed, when the maker has been revoked or has expired. Throws
   * `quota_exceeded` when the namespace would have more than `limit`.
   */
  add(key: NewKey, audit?: AuditEntry, limit?: number): Promise<StoredKey | null>;
  byHash(hash: string): Promise<StoredKey | null>;
  list(namespace: Namespace): Promise<StoredKey[]>;
  get(id: string): Promise<StoredKey | null>;
  /** With every key that goes back to it. */
  revoke(id: string, audit?: AuditEntry): Promise<boolean>;
  touch(id: string, usedAt: number): Promise<void>;
}
