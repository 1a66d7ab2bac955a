import type { Namespace } from '../../contract/ids.js';

export interface BlobOwner {
  cid: string;
  name: string;
  size: number;
  createdAt: number;
}

export interface BlobOwnerStore {
  /** Throws `quota_exceeded` when the namespace would store more than `limitBytes`. */
  add(namespace: Namespace, blob: Omit<BlobOwner, 'createdAt'>, limitBytes?: number): Promise<void>;
  get(namespace: Namespace, cid: string): Promise<BlobOwner | null>;
  rename(namespace: Namespace, cid: string, name: string): Promise<void>;
  remove(namespace: Namespace, cid: string): Promise<boolean>;
  /**
   * Marks the CID's bytes as being deleted, in one step and only when no namespace and no function
   * version refers to it: whoever refers to it from then on sees the mark. The mark's token, or
   * null. It is void after a minute.
   */
  condemn(cid: string): Promise<string | null>;
  isCondemned(cid: string): Promise<boolean>;
  /** Takes the mark away: the bytes are gone, or stay. */
  acquit(cid: string, token: string): Promise<void>;
}
