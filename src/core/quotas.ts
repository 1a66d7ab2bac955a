import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { QUOTA_NAMES, type QuotaLimits, type QuotaName, rounded } from '../contract/quotas.js';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { QuotaOverrides, QuotaStore } from '../ports/store/quotas.js';
import { announce, subscribe } from './bus-subscription.js';
import { freshCache } from './fresh-cache.js';

const CHANNEL = 'quotas';
/** Maximum age of cached limits. Changes are published over the bus; this covers lost messages. */
const MAX_AGE_MS = 10_000;

/** The quotas of namespaces. */
export interface Quotas extends Closable {
  /**
   * Resolves with the limits set by the admin, or else the defaults. Cached; returns the defaults
   * if the store is unreachable.
   */
  limits(namespace: Namespace): Promise<QuotaLimits>;
  /** Returns the limits if they are cached and fresh, otherwise null. */
  peek(namespace: Namespace): QuotaLimits | null;
  /**
   * Sets quotas; null restores the default. Effective in all processes immediately, or within 10 s
   * if the bus is unreachable.
   */
  set(namespace: Namespace, changes: Readonly<Partial<Record<QuotaName, number | null>>>): Promise<void>;
}

export interface QuotasDeps {
  store: QuotaStore;
  bus: Bus;
  defaults: QuotaLimits;
}

export async function openQuotas({ store, bus, defaults }: QuotasDeps): Promise<Quotas> {
  const cache = freshCache<QuotaLimits>(MAX_AGE_MS);
  const close = await subscribe(bus, { [CHANNEL]: cache.drop }, cache.dropAll);

  return {
    peek: (namespace) => cache.peek(namespace),
    async limits(namespace) {
      const load = async () => merged(defaults, await store.overrides(namespace));
      return (await cache.get(namespace, load).catch(() => null)) ?? defaults;
    },
    async set(namespace, changes) {
      await store.set(namespace, changes);
      cache.drop(namespace);
      await announce(bus, CHANNEL, namespace);
    },
    close,
  };
}

/** Returns the same object for all namespaces without overrides. */
function merged(defaults: QuotaLimits, overrides: QuotaOverrides): QuotaLimits {
  return Object.keys(overrides).length === 0 ? defaults : { ...defaults, ...overrides };
}

/** One entry of `GET /v1/namespaces/{ns}/usage`. */
export interface QuotaUsage {
  limit: number;
  used: number;
}

/** Resolves with the current usage of a namespace, in the units of its quotas. */
export type UsageReader = (namespace: Namespace) => Promise<Readonly<Record<QuotaName, number>>>;

export async function usageOf(
  quotas: Quotas,
  read: UsageReader,
  namespace: Namespace,
): Promise<Record<QuotaName, QuotaUsage>> {
  const [limits, used] = await Promise.all([quotas.limits(namespace), read(namespace)]);
  const entries = QUOTA_NAMES.map((name) => [name, { limit: limits[name], used: rounded(used[name]) }]);
  return Object.fromEntries(entries) as Record<QuotaName, QuotaUsage>;
}

export const toMb = (bytes: number): number => bytes / MB;
