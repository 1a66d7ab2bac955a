import type { Namespace } from '../../contract/ids.js';
import type { SecretRecord } from '../../contract/records.js';
import type { AuditEntry } from './audit.js';

/** AES-256-GCM: 12-byte nonce, ciphertext, 16-byte tag. Created by core/secrets. */
export interface SealedSecret {
  name: string;
  sealed: Uint8Array;
  keyId: string;
}

export interface SecretStore {
  /** Throws `quota_exceeded` if the namespace would have more than `limit` secrets. */
  put(namespace: Namespace, secret: SealedSecret, audit: AuditEntry, limit: number): Promise<void>;
  get(namespace: Namespace, name: string): Promise<SealedSecret | null>;
  list(namespace: Namespace): Promise<SecretRecord[]>;
  remove(namespace: Namespace, name: string, audit: AuditEntry): Promise<boolean>;
  /**
   * Lists secrets that are not encrypted with this key, by namespace and name, for key rotation.
   *
   * @param after The last secret of the page before; null for the first page.
   */
  notSealedWith(
    keyId: string,
    limit: number,
    after: { namespace: Namespace; name: string } | null,
  ): Promise<(SealedSecret & { namespace: Namespace })[]>;
  /** Replaces `from`, provided it has not changed. */
  reseal(namespace: Namespace, from: SealedSecret, to: SealedSecret): Promise<boolean>;
}
