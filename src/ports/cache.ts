import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

/** Selects keys from a page of keys; called until enough keys have been found. */
export type KeyFilter = (keys: readonly string[]) => Promise<readonly string[]>;

/**
 * A key-value cache per namespace. Entries may be lost, but namespaces are strictly separated.
 * Writes that would exceed the namespace's quota `cache_mb` throw `quota_exceeded` and change
 * nothing.
 */
export interface Cache extends Closable {
  readonly driver: string;
  /** Resolves with null on a miss. */
  get(namespace: Namespace, key: string): Promise<Uint8Array | null>;
  /**
   * Resolves with a value of at most `maxBytes`, with the size in bytes of a larger one, or with
   * null on a miss, so that the memory for a large value can be reserved before it is read. A
   * server that does not expose sizes (Olric) sends larger values, too, but few of a namespace at
   * once.
   */
  getUpTo(namespace: Namespace, key: string, maxBytes: number): Promise<Uint8Array | number | null>;
  /** Stores a value. `ttlSeconds` 0 means no expiry. */
  set(namespace: Namespace, key: string, value: Uint8Array, ttlSeconds: number): Promise<void>;
  /**
   * Adds `delta` atomically and resolves with the sum (64-bit). An absent key counts as 0 and gets
   * no expiry. Throws `invalid_request` if the value is not an integer.
   */
  increment(namespace: Namespace, key: string, delta: bigint): Promise<bigint>;
  /** Resolves with whether the key existed. */
  delete(namespace: Namespace, key: string): Promise<boolean>;
  /**
   * Lists at most `limit` keys with the prefix that `filter`, if given, selects; in no particular
   * order. Olric also lists expired ones until it has removed them.
   */
  scan(namespace: Namespace, prefix: string, limit: number, filter?: KeyFilter): Promise<string[]>;
  /**
   * Size of the namespace's entries, including keys and overhead. May be a few seconds old if it is
   * expensive to compute.
   */
  bytes(namespace: Namespace): Promise<number>;
  /**
   * Resolves, and never rejects, when the server is connected, or after `withinMs` milliseconds.
   */
  reachable(withinMs: number): Promise<void>;
  /** Throws `unavailable` if the cache is unreachable or refuses writes. */
  ping(): Promise<void>;
}
