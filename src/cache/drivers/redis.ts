import type { Namespace } from '../../contract/ids.js';
import { messageOf } from '../../errors.js';
import type { Cache, KeyFilter } from '../../ports/cache.js';
import { type RedisConnection, unavailable, untilReady } from '../../redis/connection.js';
import { refusedWrites } from '../../redis/refused-writes.js';
import { RedisScript, readLua } from '../../redis/script.js';
import { connectRedis } from '../../redis/server.js';
import { COUNTER_BYTES, checkKey, notAnInteger, sizeOf, ttlMs } from '../checks.js';
import { type CacheLimits, cacheFull } from '../limits.js';
import { RedisGuard } from './redis-guard.js';

export interface RedisCacheOptions extends CacheLimits {
  url: string;
}

const SCAN_COUNT = 1000;
const PING_KEY = 'orama:cache-ping';

/** Opens the cache of all processes on one Redis. */
export async function openRedisCache({ url, ...limits }: RedisCacheOptions): Promise<Cache> {
  return new RedisCache(await connectRedis(url, 'REDIS_URL', { stringNumbers: true }), limits);
}

/**
 * The cache of all processes on one Redis, which it shares with the queue. Entries without a TTL
 * stay until they are deleted or evicted; see redis-guard.ts for eviction and lua/includes/size.lua
 * for the size accounting.
 */
class RedisCache implements Cache {
  readonly driver = 'redis';
  readonly #redis: RedisConnection;
  readonly #limitOf: CacheLimits['limitOf'];
  readonly #guard: RedisGuard;
  readonly #getUpTo = scriptOf('get-up-to-1');
  readonly #scan = scriptOf('scan-3');
  readonly #scripts = {
    set: scriptOf('set-3'),
    increment: scriptOf('increment-3'),
    delete: scriptOf('delete-3'),
    evict: scriptOf('evict-3'),
  };

  constructor(redis: RedisConnection, { maxBytes, limitOf }: CacheLimits) {
    this.#redis = redis;
    this.#limitOf = limitOf;
    this.#guard = new RedisGuard({
      redis,
      maxBytes,
      evict: (namespace, bytes) => this.#evict(namespace, bytes),
    });
  }

  async get(namespace: Namespace, key: string): Promise<Buffer | null> {
    return answer(this.#redis.getBuffer(nameOf(namespace, key)));
  }

  async getUpTo(namespace: Namespace, key: string, maxBytes: number): Promise<Buffer | number | null> {
    const reply = await answer(this.#getUpTo.runForBytes(this.#redis, [nameOf(namespace, key)], [maxBytes]));
    return reply === null || Buffer.isBuffer(reply) ? reply : Number(reply);
  }

  async set(namespace: Namespace, key: string, value: Uint8Array, ttlSeconds: number): Promise<void> {
    const ms = ttlMs(ttlSeconds);
    const size = sizeOf(checkKey(key), value.byteLength);
    const limit = await this.#limitFor(namespace);
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const [done, total] = await answer(
      this.#run(this.#scripts.set, namespace, [key, bytes, ms, size, limit]),
    );
    if (Number(done) === 0) throw cacheFull(namespace, Number(total), limit);
    await this.#guard.recordWrite(namespace, Number(total), size);
  }

  async increment(namespace: Namespace, key: string, delta: bigint): Promise<bigint> {
    const limit = await this.#limitFor(namespace);
    const size = sizeOf(checkKey(key), COUNTER_BYTES);
    const args = [key, delta.toString(), size, limit];
    const [done, value, total] = await this.#run(this.#scripts.increment, namespace, args).catch(
      (error: unknown) => {
        if (/not an integer|overflow/.test(messageOf(error))) throw notAnInteger(key, error);
        throw unavailable('cache', error);
      },
    );
    if (Number(done) === 0) throw cacheFull(namespace, Number(value), limit);
    if (total !== undefined) await this.#guard.recordWrite(namespace, Number(total), size);
    return BigInt(value);
  }

  async delete(namespace: Namespace, key: string): Promise<boolean> {
    const [removed, total] = await answer(this.#run(this.#scripts.delete, namespace, [checkKey(key)]));
    if (Number(removed) === 0) return false;
    await this.#guard.recordWrite(namespace, Number(total), 0);
    return true;
  }

  async scan(namespace: Namespace, prefix: string, limit: number, filter?: KeyFilter): Promise<string[]> {
    const pattern = `${escapeGlob(checkKey(prefix))}*`;
    const keys = keysOf(namespace);
    const found = new Set<string>();
    let cursor = '0';
    do {
      const reply = await answer(this.#scan.run(this.#redis, keys, [cursor, pattern, SCAN_COUNT]));
      const [next, page] = reply as [cursor: string, keys: string[]];
      for (const key of filter ? await filter(page) : page) if (found.size < limit) found.add(key);
      cursor = next;
    } while (cursor !== '0' && found.size < limit);
    return [...found];
  }

  async bytes(namespace: Namespace): Promise<number> {
    const [use = ''] = keysOf(namespace);
    return Number((await answer(this.#redis.hget(use, 't'))) ?? 0);
  }

  reachable(withinMs: number): Promise<void> {
    return untilReady(this.#redis, withinMs);
  }

  async ping(): Promise<void> {
    // A write, since Redis responds to PING even when it accepts no more data.
    await this.#redis.set(PING_KEY, '1', 'PX', 60_000).catch((cause: unknown) => {
      throw refusedWrites(cause) ?? unavailable('cache', cause);
    });
  }

  async close(): Promise<void> {
    await this.#guard.close();
    this.#redis.disconnect();
  }

  async #limitFor(namespace: Namespace): Promise<number> {
    return (await this.#limitOf?.(namespace)) ?? Number.MAX_SAFE_INTEGER;
  }

  async #evict(namespace: Namespace, bytes: number): Promise<{ freed: number; left: number }> {
    const [freed, left] = await this.#run(this.#scripts.evict, namespace, [Math.ceil(bytes)]);
    return { freed: Number(freed), left: Number(left) };
  }

  async #run(
    script: RedisScript,
    namespace: Namespace,
    args: readonly (string | number | Buffer)[],
  ): Promise<[done: string, value: string, total?: string]> {
    return (await script.run(this.#redis, keysOf(namespace), args)) as [string, string, string?];
  }
}

function scriptOf(file: string): RedisScript {
  return new RedisScript(readLua(import.meta.url, file));
}

async function answer<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw unavailable('cache', error);
  }
}

/**
 * Returns the Redis key of an entry. The namespace is the hash tag, since all keys that a script
 * counts must be in one slot of a cluster. A namespace contains no braces.
 */
function nameOf(namespace: Namespace, key: string): string {
  return `orama:cache:{${namespace}}:${checkKey(key)}`;
}

/** Returns the KEYS of the scripts: the usage hash, the expiry set and the prefix of value keys. */
function keysOf(namespace: Namespace): string[] {
  return [`orama:cache-use:{${namespace}}`, `orama:cache-due:{${namespace}}`, nameOf(namespace, '')];
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
