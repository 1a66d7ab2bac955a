import { LRUCache } from 'lru-cache';

const MAX_AGE_MS = 2000;
/** With something older at hand, nobody waits longer than this for a store that is slow or away. */
const PATIENCE_MS = 250;
/** An LRUCache reserves room for all of its entries when it is made. */
const MAX_ENTRIES = 5000;

/**
 * A cache whose entries are never older than 2 s while the store answers, and which never remembers
 * that something was absent. While the store is away it goes on with what it has, so that known
 * functions go on running.
 */
export interface FreshCache<V> {
  /** The value if it is cached and fresh, else null: for hot paths, which then need no promise. */
  peek(key: string): V | null;
  get(key: string, load: () => Promise<V | null>): Promise<V | null>;
  /** Forgets every key that begins with the prefix, and what is being loaded for them right now. */
  drop(prefix: string): void;
}

interface Entry<V> {
  value: V;
  /** On the monotonic clock. */
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
          // A drop during the load has made this answer stale: it goes to who asked before and is
          // kept for nobody.
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
      const patience = PATIENCE_MS - (performance.now() - since);
      return within(patience, promise, entry.value);
    },
    drop(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
      for (const key of loading.keys()) if (key.startsWith(prefix)) loading.delete(key);
    },
  };
}

/** What the promise gives in time, else the fallback; also when it fails. */
function within<V>(ms: number, promise: Promise<V | null>, fallback: V): Promise<V | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(fallback), Math.max(0, ms));
    promise.then(resolve, () => resolve(fallback)).finally(() => clearTimeout(timer));
  });
}
