import type { Closable } from './closable.js';
import type { Node } from './node.js';

/**
 * Content-addressed bytes: UnixFS, CIDv1, raw leaves, 262144-byte chunks, balanced with 174 links,
 * so that every driver gives the very CID that Kubo gives. Who may read a CID is not decided here.
 */
export interface Blobs extends Closable {
  readonly driver: string;
  /** The CID that `put` would give, without storing anything. */
  cidOf(bytes: Uint8Array): Promise<string>;
  /** Stores and pins. Durable once it resolves. The same bytes give the same CID. */
  put(bytes: Uint8Array): Promise<string>;
  /**
   * The bytes, verified against the CID. Throws `not_found`, or `unavailable` when the store is
   * away.
   */
  get(cid: string): Promise<Uint8Array>;
  /** The servers that hold them: none where they are in a directory. */
  nodes(): Promise<Node[]>;
  has(cid: string): Promise<boolean>;
  /** Unpins; the bytes may go. Absent is no error. */
  delete(cid: string): Promise<void>;
  /** Throws `unavailable` when the store is away. */
  ping(): Promise<void>;
}
