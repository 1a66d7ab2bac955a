import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

/** Picks keys out of a part of them; called until there are enough. */
export type KeyFilter = (keys: readonly string[]) => Promise<readonly string[]>;

/**
 * Bytes by key, per namespace. Losing an entry is allowed, mixing two namespaces is not. What would
 * take a namespace beyond its quota `cache_mb` is refused with `quota_exceeded`, and changes
 * nothing.
 */
export interface Cache extends Closable {
  readonly driver: string;
  /** null on a miss. */
  get(namespace: Namespace, key: string): Promise<Uint8Array | null>;
  /** `ttlSeconds` 0 = no expiry. */
  set(namespace: Namespace, key: string, value: Uint8Array, ttlSeconds: number): Promise<void>;
  /**
   * Atomic; an absent key counts from 0 and has no expiry; throws `invalid_request` when the value
   * is no integer. 64-bit.
   */
  increment(namespace: Namespace, key: string, delta: bigint): Promise<bigint>;
  /** True when the key was there. */
  delete(namespace: Namespace, key: string): Promise<boolean>;
  /**
   * Keys that begin with `prefix` and that `filter` picks, if given, at most `limit`, in no order.
   */
  scan(namespace: Namespace, prefix: string, limit: number, filter?: KeyFilter): Promise<string[]>;
  /**
   * What the namespace's entries take, keys and overhead included; as of a few seconds ago where it
   * is costly to know.
   */
  bytes(namespace: Namespace): Promise<number>;
  /**
   * Resolves, and never rejects, when its server is connected, and after `withinMs` at the latest.
   */
  reachable(withinMs: number): Promise<void>;
  /** Throws `unavailable` when the cache is away, or takes no writes. */
  ping(): Promise<void>;
}
