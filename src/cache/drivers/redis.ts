import { Cluster } from 'ioredis';
import type { Namespace } from '../../contract/ids.js';
import { isAppError, messageOf } from '../../errors.js';
import type { Cache } from '../../ports/cache.js';
import { unavailable, untilReady } from '../../redis/connection.js';
import { refusedWrites } from '../../redis/refused-writes.js';
import { RedisScript } from '../../redis/script.js';
import { connectRedis } from '../../redis/server.js';
import { checkKey, ENTRY_OVERHEAD_BYTES, notAnInteger, ttlMs } from '../checks.js';
import { type CacheLimits, cacheFull } from '../limits.js';
import { RedisGuard } from './redis-guard.js';
import { DELETE, EVICT, INCREMENT, SET } from './redis-scripts.js';

export interface RedisCacheOptions extends CacheLimits {
  url: string;
}

const SCAN_COUNT = 1000;
/** Maximum length of a 64-bit integer in decimal digits; the size of a counter entry. */
const COUNTER_BYTES = 20;
const PING_KEY = 'orama:cache-ping';

/**
 * Opens the cache of all processes on one Redis, which it shares with the queue. Entries without a
 * TTL stay until they are deleted or evicted; see redis-guard.ts for eviction and redis-scripts.ts
 * for the size accounting.
 */
export async function openRedisCache({ url, maxBytes, limitOf }: RedisCacheOptions): Promise<Cache> {
  const redis = await connectRedis(url, 'REDIS_URL', { stringNumbers: true });
  const scripts = {
    set: new RedisScript(SET),
    increment: new RedisScript(INCREMENT),
    delete: new RedisScript(DELETE),
    evict: new RedisScript(EVICT),
  };

  const limitFor = async (namespace: Namespace) => (await limitOf?.(namespace)) ?? Number.MAX_SAFE_INTEGER;
  const run = async (
    script: RedisScript,
    namespace: Namespace,
    args: readonly (string | number | Buffer)[],
  ) => (await script.run(redis, keysOf(namespace), args)) as [done: string, value: string];

  async function answer<T>(reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      throw unavailable('cache', error);
    }
  }

  const guard = new RedisGuard({
    redis,
    maxBytes,
    evict: async (namespace, bytes) => {
      const [freed, left] = await run(scripts.evict, namespace, [Math.ceil(bytes)]);
      return { freed: Number(freed), left: Number(left) };
    },
  });

  return {
    driver: 'redis',

    async get(namespace, key) {
      return answer(redis.getBuffer(nameOf(namespace, key)));
    },

    async set(namespace, key, value, ttlSeconds) {
      const ms = ttlMs(ttlSeconds);
      const size = sizeOf(checkKey(key), value.byteLength);
      const limit = await limitFor(namespace);
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      const [done, total] = await answer(run(scripts.set, namespace, [key, bytes, ms, size, limit]));
      if (Number(done) === 0) throw cacheFull(namespace, Number(total), limit);
      await guard.recordWrite(namespace, Number(total), size);
    },

    async increment(namespace, key, delta) {
      const limit = await limitFor(namespace);
      const size = sizeOf(checkKey(key), COUNTER_BYTES);
      try {
        const [done, value] = await run(scripts.increment, namespace, [key, delta.toString(), size, limit]);
        if (Number(done) === 1) return BigInt(value);
        throw cacheFull(namespace, Number(value), limit);
      } catch (error) {
        if (isAppError(error)) throw error;
        if (/not an integer|overflow/.test(messageOf(error))) throw notAnInteger(key, error);
        throw unavailable('cache', error);
      }
    },

    async delete(namespace, key) {
      const [removed] = await answer(run(scripts.delete, namespace, [checkKey(key)]));
      return Number(removed) > 0;
    },

    async scan(namespace, prefix, limit, filter) {
      const start = nameOf(namespace, '');
      const pattern = `${escapeGlob(nameOf(namespace, prefix))}*`;
      const found = new Set<string>();
      const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
      for (const node of nodes) {
        let cursor = '0';
        do {
          const [next, names] = await answer(node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT));
          const keys = names.map((name) => name.slice(start.length));
          for (const key of filter ? await filter(keys) : keys) if (found.size < limit) found.add(key);
          cursor = next;
        } while (cursor !== '0' && found.size < limit);
      }
      return [...found];
    },

    async bytes(namespace) {
      const [use = ''] = keysOf(namespace);
      return Number((await answer(redis.hget(use, 't'))) ?? 0);
    },

    reachable: (withinMs) => untilReady(redis, withinMs),

    async ping() {
      // A write, since Redis responds to PING even when it accepts no more data.
      await redis.set(PING_KEY, '1', 'PX', 60_000).catch((cause: unknown) => {
        throw refusedWrites(cause) ?? unavailable('cache', cause);
      });
    },

    async close() {
      await guard.close();
      redis.disconnect();
    },
  };
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

function sizeOf(key: string, valueBytes: number): number {
  return Buffer.byteLength(key) + valueBytes + ENTRY_OVERHEAD_BYTES;
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
