import type { Namespace } from '../../contract/ids.js';

export interface BlobOwner {
  cid: string;
  name: string;
  size: number;
  createdAt: number;
}

export interface BlobOwnerStore {
  /** Throws `quota_exceeded` if the namespace would exceed `limitBytes`. */
  add(namespace: Namespace, blob: Omit<BlobOwner, 'createdAt'>, limitBytes: number): Promise<void>;
  get(namespace: Namespace, cid: string): Promise<BlobOwner | null>;
  rename(namespace: Namespace, cid: string, name: string): Promise<void>;
  remove(namespace: Namespace, cid: string): Promise<boolean>;
  /**
   * Marks a CID for deletion, atomically and only if no namespace and no function version refers to
   * it; a reference that is added later sees the mark. Resolves with the mark's token, or null. The
   * mark expires after a minute.
   */
  markForDeletion(cid: string): Promise<string | null>;
  isPendingDeletion(cid: string): Promise<boolean>;
  /** Removes the mark after the bytes have been deleted. */
  unmark(cid: string, token: string): Promise<void>;
}
