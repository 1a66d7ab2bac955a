import type { Namespace } from '../../contract/ids.js';
import type { KeyRecord } from '../../contract/records.js';
import type { GrantedScope } from '../../contract/scopes.js';
import type { AuditEntry } from './audit.js';

export interface NewKey {
  /** A UUIDv7. */
  id: string;
  namespace: Namespace;
  name: string;
  /** SHA-256 of the complete key, hex. */
  hash: string;
  isAdmin: boolean;
  scopes: readonly GrantedScope[];
  functions: readonly string[] | null;
  /** Unix milliseconds; null if the key does not expire. */
  expiresAt: number | null;
  /** Subject of the credential that created the key. */
  createdBy: string;
  /**
   * The credential that created the key. It must be valid when the key is added, and revoking it
   * (or one of its own makers) revokes the key.
   */
  maker: KeyMaker | null;
}

export interface KeyMaker {
  kind: 'key' | 'session';
  id: string;
}

export interface StoredKey extends KeyRecord {
  isAdmin: boolean;
  /** `expires_at` in Unix milliseconds. */
  expiresAt: number | null;
}

export interface KeyStore {
  /**
   * Adds a key. Resolves with null, without any change, if the maker has been revoked or has
   * expired, or if an admin key of this hash has ever been revoked. Throws `quota_exceeded` if the
   * namespace would have more than `limit` valid keys.
   */
  add(key: NewKey, audit: AuditEntry | null, limit: number | null): Promise<StoredKey | null>;
  byHash(hash: string): Promise<StoredKey | null>;
  list(namespace: Namespace): Promise<StoredKey[]>;
  get(id: string): Promise<StoredKey | null>;
  /** Lists the admin keys of all namespaces. */
  admins(): Promise<StoredKey[]>;
  /**
   * Revokes a key and every key created with it, directly or indirectly. The hash of an admin key
   * is kept, since processes may be started with it again.
   */
  revoke(id: string, audit: AuditEntry): Promise<boolean>;
  touch(id: string, usedAt: number): Promise<void>;
  /**
   * Deletes some keys that expired before the time. Resolves with their number, 0 once there are
   * none left.
   */
  sweep(expiredBefore: number): Promise<number>;
}
