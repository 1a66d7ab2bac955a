import type { Cache } from '../ports/cache.js';
import { type MemoryCacheOptions, openMemoryCache } from './drivers/memory.js';

export type CacheOptions = { driver: 'memory' } & MemoryCacheOptions;

/** Opens the cache that functions and the HTTP API share; throws `bad_config` when it cannot be reached. */
export function openCache(options: CacheOptions): Promise<Cache> {
  switch (options.driver) {
    case 'memory':
      return openMemoryCache(options);
  }
}
