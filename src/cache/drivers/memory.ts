import { LRUCache } from 'lru-cache';
import type { Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { Cache, KeyFilter } from '../../ports/cache.js';
import { checkKey, ENTRY_OVERHEAD_BYTES, INTEGER, isInt64, notAnInteger, ttlMs } from '../checks.js';
import { assertWithinLimit, type CacheLimits } from '../limits.js';

export type MemoryCacheOptions = CacheLimits;

/** Number of keys that a scan filters before it yields to other operations. */
const SCAN_COUNT = 1000;

type Entries = LRUCache<string, Uint8Array>;

/** Opens the cache of a single process. */
export async function openMemoryCache(options: MemoryCacheOptions): Promise<Cache> {
  return new MemoryCache(options);
}

/**
 * The cache of a single process. Values are copied on reads and writes, since callers pass views of
 * guest memory. When all namespaces together exceed `maxBytes`, the least recently used entry of
 * the largest namespace is evicted, so that a namespace that fills the cache loses its own entries.
 */
class MemoryCache implements Cache {
  readonly driver = 'memory';
  readonly #maxBytes: number;
  readonly #limitOf: CacheLimits['limitOf'];
  readonly #namespaces = new Map<Namespace, Entries>();
  #total = 0;

  constructor({ maxBytes, limitOf }: MemoryCacheOptions) {
    this.#maxBytes = maxBytes;
    this.#limitOf = limitOf;
  }

  async get(namespace: Namespace, key: string): Promise<Uint8Array | null> {
    return this.#namespaces.get(namespace)?.get(checkKey(key))?.slice() ?? null;
  }

  async getUpTo(namespace: Namespace, key: string, maxBytes: number): Promise<Uint8Array | number | null> {
    const value = this.#namespaces.get(namespace)?.get(checkKey(key));
    if (value === undefined) return null;
    return value.length > maxBytes ? value.length : value.slice();
  }

  async set(namespace: Namespace, key: string, bytes: Uint8Array, ttlSeconds: number): Promise<void> {
    const size = sizeOf(checkKey(key), bytes);
    const value = Uint8Array.from(bytes);
    const ttl = ttlMs(ttlSeconds);
    if (size > this.#maxBytes) {
      throw new AppError(
        'invalid_request',
        `A cache entry of ${size} bytes is larger than the whole cache, ${this.#maxBytes} bytes`,
      );
    }
    const limit = await this.#limitOf?.(namespace);
    this.#put(namespace, key, value, { size, ttl, limit });
  }

  async increment(namespace: Namespace, key: string, delta: bigint): Promise<bigint> {
    const limit = await this.#limitOf?.(namespace);
    const entries = this.#entriesOf(namespace);
    const held = entries.get(checkKey(key));
    const text = held === undefined ? '0' : Buffer.from(held).toString('latin1');
    if (!INTEGER.test(text)) throw notAnInteger(key);
    const sum = BigInt(text) + delta;
    if (!isInt64(sum)) throw notAnInteger(key);
    const remaining = entries.getRemainingTTL(key);
    // A copy: a small Buffer would be a view that keeps the 8 KB of Node's shared pool in memory.
    const value = Uint8Array.from(Buffer.from(sum.toString()));
    const ttl = Number.isFinite(remaining) ? Math.ceil(remaining) : 0;
    this.#put(namespace, key, value, { size: sizeOf(key, value), ttl, limit });
    return sum;
  }

  async delete(namespace: Namespace, key: string): Promise<boolean> {
    const entries = this.#namespaces.get(namespace);
    // `has` is false for an expired entry, although the entry still takes memory.
    return entries?.has(checkKey(key)) === true && entries.delete(key);
  }

  async scan(namespace: Namespace, prefix: string, limit: number, filter?: KeyFilter): Promise<string[]> {
    const all = [...(this.#namespaces.get(namespace)?.keys() ?? [])].filter((key) => key.startsWith(prefix));
    const found: string[] = [];
    for (let at = 0; at < all.length && found.length < limit; at += SCAN_COUNT) {
      const keys = all.slice(at, at + SCAN_COUNT);
      found.push(...(filter ? await filter(keys) : keys));
    }
    return found.slice(0, limit);
  }

  async bytes(namespace: Namespace): Promise<number> {
    const entries = this.#namespaces.get(namespace);
    entries?.purgeStale();
    return entries?.calculatedSize ?? 0;
  }

  async reachable(): Promise<void> {}

  async ping(): Promise<void> {}

  async close(): Promise<void> {
    this.#namespaces.clear();
  }

  /** Synchronous, so that of two concurrent calls the second sees the result of the first. */
  #put(
    namespace: Namespace,
    key: string,
    value: Uint8Array,
    { size, ttl, limit }: { size: number; ttl: number; limit: number | undefined },
  ): void {
    const entries = this.#entriesOf(namespace);
    const held = entries.peek(key);
    const more = size - (held === undefined ? 0 : sizeOf(key, held));
    // Expired entries count toward the size until they are purged.
    if (limit !== undefined && entries.calculatedSize + more > limit) entries.purgeStale();
    if (limit !== undefined && more > 0) assertWithinLimit(namespace, entries.calculatedSize, more, limit);
    entries.set(key, value, { ttl });
    this.#total += size;
    while (this.#total > this.#maxBytes && this.#largest()?.pop() !== undefined);
  }

  #entriesOf(namespace: Namespace): Entries {
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    const entries: Entries = new LRUCache<string, Uint8Array>({
      maxSize: this.#maxBytes,
      sizeCalculation: (value, key) => sizeOf(key, value),
      dispose: (value, key) => {
        this.#total -= sizeOf(key, value);
      },
    });
    this.#namespaces.set(namespace, entries);
    return entries;
  }

  #largest(): Entries | undefined {
    let found: Entries | undefined;
    for (const [namespace, entries] of this.#namespaces) {
      if (entries.size === 0) this.#namespaces.delete(namespace);
      else if (entries.calculatedSize > (found?.calculatedSize ?? 0)) found = entries;
    }
    return found;
  }
}

function sizeOf(key: string, value: Uint8Array): number {
  return value.length + 2 * key.length + ENTRY_OVERHEAD_BYTES;
}
