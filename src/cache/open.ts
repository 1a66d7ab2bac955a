import type { Cache } from '../ports/cache.js';
import type { MemoryCacheOptions } from './drivers/memory.js';
import type { OlricCacheOptions } from './drivers/olric.js';
import type { RedisCacheOptions } from './drivers/redis.js';

export type CacheOptions =
  | ({ driver: 'memory' } & MemoryCacheOptions)
  | ({ driver: 'olric' } & OlricCacheOptions)
  | ({ driver: 'redis' } & RedisCacheOptions);

/**
 * Opens the cache that functions and the HTTP API share. Throws `bad_config` if its server is
 * unreachable.
 */
export async function openCache(options: CacheOptions): Promise<Cache> {
  switch (options.driver) {
    case 'memory':
      return (await import('./drivers/memory.js')).openMemoryCache(options);
    case 'olric':
      return (await import('./drivers/olric.js')).openOlricCache(options);
    case 'redis':
      return (await import('./drivers/redis.js')).openRedisCache(options);
  }
}
