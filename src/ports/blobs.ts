import { type AppError, isAppError } from '../errors.js';
import type { Closable } from './closable.js';
import type { Node } from './node.js';

/**
 * Content-addressed storage: UnixFS, CIDv1, raw leaves, 262144-byte chunks, balanced with 174
 * links, so that every driver produces the same CID as Kubo. Access control is the caller's
 * responsibility.
 */
export interface Blobs extends Closable {
  readonly driver: string;
  /** Computes the CID that `put` would return, without storing anything. */
  cidOf(bytes: Uint8Array): Promise<string>;
  /**
   * Stores and pins the bytes; they are durable when the promise resolves. Equal bytes give equal
   * CIDs. A damaged blob with the same CID is replaced.
   */
  put(bytes: Uint8Array): Promise<string>;
  /**
   * Resolves with the bytes, verified against the CID. Throws `not_found`; `blob_damaged` if the
   * stored bytes are not those of the CID; or `unavailable` if the store is unreachable.
   */
  get(cid: string): Promise<Uint8Array>;
  /** Lists the servers that store the blobs; empty for a local directory. */
  nodes(): Promise<Node[]>;
  has(cid: string): Promise<boolean>;
  /** Unpins a blob, whose bytes may then be deleted. An absent CID is no error. */
  delete(cid: string): Promise<void>;
  /** Throws `unavailable` if the store is unreachable. */
  ping(): Promise<void>;
}

/**
 * Whether `get` has failed because the blob is damaged or missing, and thus will fail until it is
 * stored again. Only for errors of `get`: elsewhere, `not_found` has other meanings.
 */
export function isUnreadable(error: unknown): error is AppError {
  return isAppError(error, 'blob_damaged') || isAppError(error, 'not_found');
}
