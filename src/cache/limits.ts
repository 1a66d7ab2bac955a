import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { quotaExceeded } from '../contract/quotas.js';

/** Limits of the cache size. */
export interface CacheLimits {
  /** Maximum size of all namespaces together, in bytes. */
  maxBytes: number;
  /**
   * Returns the maximum size of one namespace in bytes: its quota `cache_mb`. If absent, only
   * `maxBytes` applies.
   */
  limitOf?: ((namespace: Namespace) => Promise<number>) | undefined;
}

/** Throws `quota_exceeded` if `more` additional bytes would exceed the limit of the namespace. */
export function assertWithinLimit(namespace: Namespace, used: number, more: number, limit: number): void {
  if (used + more <= limit) return;
  throw cacheFull(namespace, used, limit);
}

export function cacheFull(namespace: Namespace, used: number, limit: number) {
  return quotaExceeded('cache_mb', { namespace, limit: limit / MB, used: used / MB });
}
