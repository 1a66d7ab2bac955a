import { LRUCache } from 'lru-cache';

const MAX_AGE_MS = 2000;
/** How long a caller waits for a slow or unreachable store if a stale entry is available. */
const TIMEOUT_MS = 250;
/** LRUCache allocates space for all entries when it is created. */
const MAX_ENTRIES = 5000;

/**
 * A cache whose entries are at most 2 s old (`maxAgeMs`) while the store is reachable, and which
 * never caches absence. While the store is unreachable, stale entries are served, so that known
 * functions keep running.
 */
export interface FreshCache<V> {
  /**
   * Returns the value if it is cached and fresh, otherwise null. For hot paths, which thereby avoid
   * a promise.
   */
  peek(key: string): V | null;
  get(key: string, load: () => Promise<V | null>): Promise<V | null>;
  /** Drops a key, including a load in progress; so do the other two. */
  drop(key: string): void;
  dropPrefix(prefix: string): void;
  dropAll(): void;
}

interface Entry<V> {
  value: V;
  /** Monotonic time in milliseconds. */
  loadedAt: number;
}

interface Loading<V> {
  promise: Promise<V | null>;
  since: number;
}

export function freshCache<V>(maxAgeMs: number = MAX_AGE_MS): FreshCache<V> {
  const entries = new LRUCache<string, Entry<V>>({ max: MAX_ENTRIES });
  const loading = new Map<string, Loading<V>>();

  const start = (key: string, load: () => Promise<V | null>): Loading<V> => {
    const since = performance.now();
    const current: Loading<V> = {
      since,
      promise: load()
        .then((value) => {
          // A drop during the load has made the value stale: it is returned to the callers that
          // were already waiting but not cached.
          if (loading.get(key) !== current) return value;
          if (value === null) entries.delete(key);
          else entries.set(key, { value, loadedAt: since });
          return value;
        })
        .finally(() => {
          if (loading.get(key) === current) loading.delete(key);
        }),
    };
    loading.set(key, current);
    return current;
  };

  const isFresh = ({ loadedAt }: Entry<V>) => performance.now() - loadedAt < maxAgeMs;

  return {
    peek(key) {
      const entry = entries.get(key);
      return entry !== undefined && isFresh(entry) ? entry.value : null;
    },
    async get(key, load) {
      const entry = entries.get(key);
      if (entry && isFresh(entry)) return entry.value;
      const { promise, since } = loading.get(key) ?? start(key, load);
      if (!entry) return promise;
      const remainingMs = TIMEOUT_MS - (performance.now() - since);
      return withFallback(remainingMs, promise, entry.value);
    },
    drop(key) {
      entries.delete(key);
      loading.delete(key);
    },
    dropPrefix(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
      for (const key of loading.keys()) if (key.startsWith(prefix)) loading.delete(key);
    },
    dropAll() {
      entries.clear();
      loading.clear();
    },
  };
}

/** Resolves with the value, or with the fallback if the promise takes longer or rejects. */
function withFallback<V>(ms: number, promise: Promise<V | null>, fallback: V): Promise<V | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(fallback), Math.max(0, ms));
    promise.then(resolve, () => resolve(fallback)).finally(() => clearTimeout(timer));
  });
}
