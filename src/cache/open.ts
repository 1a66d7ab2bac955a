import type { Cache } from '../ports/cache.js';
import { type MemoryCacheOptions, openMemoryCache } from './drivers/memory.js';
import { type OlricCacheOptions, openOlricCache } from './drivers/olric.js';
import { openRedisCache, type RedisCacheOptions } from './drivers/redis.js';

export type CacheOptions =
  | ({ driver: 'memory' } & MemoryCacheOptions)
  | ({ driver: 'olric' } & OlricCacheOptions)
  | ({ driver: 'redis' } & RedisCacheOptions);

/**
 * Opens the cache that functions and the HTTP API share. Throws `bad_config` if its server is
 * unreachable.
 */
export function openCache(options: CacheOptions): Promise<Cache> {
  switch (options.driver) {
    case 'memory':
      return openMemoryCache(options);
    case 'olric':
      return openOlricCache(options);
    case 'redis':
      return openRedisCache(options);
  }
}
