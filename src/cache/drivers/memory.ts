import { LRUCache } from 'lru-cache';
import type { Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { Cache } from '../../ports/cache.js';
import { entryName, INTEGER, isInt64, notAnInteger, ttlMs } from '../checks.js';

export interface MemoryCacheOptions {
  /** Beyond it the entries used longest ago go. */
  maxBytes: number;
}

/** About what an entry costs beside its bytes; it also bounds their number, and with it the time of a scan. */
const ENTRY_OVERHEAD_BYTES = 200;

/** The cache of a single process. Values are copied in and out, since callers hand over views of guest memory. */
export async function openMemoryCache({ maxBytes }: MemoryCacheOptions): Promise<Cache> {
  const entries = new LRUCache<string, Uint8Array>({
    maxSize: maxBytes,
    sizeCalculation: (value, name) => value.length + 2 * name.length + ENTRY_OVERHEAD_BYTES,
  });

  function store(name: string, value: Uint8Array, ttl: number): void {
    const size = value.length + 2 * name.length + ENTRY_OVERHEAD_BYTES;
    if (size > maxBytes) {
      throw new AppError(
        'invalid_request',
        `A cache entry of ${size} bytes is larger than the whole cache, ${maxBytes} bytes`,
      );
    }
    entries.set(name, value, { ttl });
  }

  return {
    driver: 'memory',

    async get(namespace: Namespace, key: string) {
      return entries.get(entryName(namespace, key))?.slice() ?? null;
    },

    async set(namespace: Namespace, key: string, value: Uint8Array, ttlSeconds: number) {
      store(entryName(namespace, key), Uint8Array.from(value), ttlMs(ttlSeconds));
    },

    async increment(namespace: Namespace, key: string, delta: bigint) {
      const name = entryName(namespace, key);
      const held = entries.get(name);
      const text = held === undefined ? '0' : Buffer.from(held).toString('latin1');
      if (!INTEGER.test(text)) throw notAnInteger(key);
      const sum = BigInt(text) + delta;
      if (!isInt64(sum)) throw notAnInteger(key);
      const remaining = entries.getRemainingTTL(name);
      store(name, Buffer.from(sum.toString()), Number.isFinite(remaining) ? Math.ceil(remaining) : 0);
      return sum;
    },

    async delete(namespace: Namespace, key: string) {
      const name = entryName(namespace, key);
      // An expired entry is not there, though it still takes room.
      return entries.has(name) && entries.delete(name);
    },

    async scan(namespace: Namespace, prefix: string, limit: number) {
      const start = entryName(namespace, prefix);
      const found: string[] = [];
      for (const name of entries.keys()) {
        if (found.length >= limit) break;
        if (name.startsWith(start)) found.push(name.slice(namespace.length + 1));
      }
      return found;
    },

    async reachable() {},

    async ping() {},

    async close() {
      entries.clear();
    },
  };
}
