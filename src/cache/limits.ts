import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { quotaExceeded } from '../contract/quotas.js';

/** How much the cache may hold. */
export interface CacheLimits {
  /** Of all namespaces together. */
  maxBytes: number;
  /** Of one namespace: its quota `cache_mb`, in bytes. Without it only `maxBytes` holds. */
  limitOf?: ((namespace: Namespace) => Promise<number>) | undefined;
}

/** Throws `quota_exceeded` when so many bytes more would be more than the namespace may have. */
export function assertWithinLimit(namespace: Namespace, used: number, more: number, limit: number): void {
  if (used + more <= limit) return;
  throw cacheFull(namespace, used, limit);
}

export function cacheFull(namespace: Namespace, used: number, limit: number) {
  return quotaExceeded('cache_mb', { namespace, limit: limit / MB, used: used / MB });
}
