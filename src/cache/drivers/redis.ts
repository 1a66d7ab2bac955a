import { Cluster } from 'ioredis';
import type { Namespace } from '../../contract/ids.js';
import { messageOf } from '../../errors.js';
import type { Cache } from '../../ports/cache.js';
import { connectRedis, unavailable, untilReady } from '../../redis.js';
import { entryName, notAnInteger, ttlMs } from '../checks.js';

export interface RedisCacheOptions {
  url: string;
}

const PREFIX = 'orama:cache:';
const SCAN_COUNT = 1000;

/** The cache of all processes on one Redis, beside the queue. Entries without TTL stay until they are deleted. */
export async function openRedisCache({ url }: RedisCacheOptions): Promise<Cache> {
  const redis = await connectRedis(url, 'REDIS_URL', { stringNumbers: true });

  const nameOf = (namespace: Namespace, key: string) => PREFIX + entryName(namespace, key);

  async function answer<T>(reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      throw unavailable('cache', error);
    }
  }

  return {
    driver: 'redis',

    async get(namespace, key) {
      return answer(redis.getBuffer(nameOf(namespace, key)));
    },

    async set(namespace, key, value, ttlSeconds) {
      const name = nameOf(namespace, key);
      const ms = ttlMs(ttlSeconds);
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      await answer(ms === 0 ? redis.set(name, bytes) : redis.set(name, bytes, 'PX', ms));
    },

    async increment(namespace, key, delta) {
      const name = nameOf(namespace, key);
      try {
        return BigInt(await redis.incrby(name, delta.toString()));
      } catch (error) {
        if (/not an integer|overflow/.test(messageOf(error))) throw notAnInteger(key, error);
        throw unavailable('cache', error);
      }
    },

    async delete(namespace, key) {
      return Number(await answer(redis.del(nameOf(namespace, key)))) > 0;
    },

    async scan(namespace, prefix, limit) {
      const start = nameOf(namespace, '');
      const pattern = `${escapeGlob(nameOf(namespace, prefix))}*`;
      const found = new Set<string>();
      const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
      for (const node of nodes) {
        let cursor = '0';
        do {
          const [next, names] = await answer(node.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT));
          for (const name of names) if (found.size < limit) found.add(name.slice(start.length));
          cursor = next;
        } while (cursor !== '0' && found.size < limit);
      }
      return [...found];
    },

    reachable: (withinMs) => untilReady(redis, withinMs),

    async ping() {
      await answer(redis.ping());
    },

    async close() {
      redis.disconnect();
    },
  };
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
