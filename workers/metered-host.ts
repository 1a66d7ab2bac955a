import type { HostCalls } from '../src/ports/engine.js';
import type { Meter } from '../src/ports/meter.js';

/** The same host functions, each call counted. */
export function meteredHost(host: HostCalls, meter: Meter): HostCalls {
  const counted =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      let ok = false;
      try {
        const result = await call(...args);
        ok = true;
        return result;
      } finally {
        meter.hostCalled(name, ok);
      }
    };
  return {
    getSecret: counted('get_secret', host.getSecret),
    dbQuery: counted('db_query', host.dbQuery),
    dbExecute: counted('db_execute', host.dbExecute),
    cacheGet: counted('cache_get', host.cacheGet),
    cacheSet: counted('cache_set', host.cacheSet),
    cacheIncrement: counted('cache_incr', host.cacheIncrement),
    cacheDelete: counted('cache_delete', host.cacheDelete),
    httpFetch: counted('http_fetch', host.httpFetch),
    publish: counted('pubsub_publish', host.publish),
    storagePut: counted('storage_put', host.storagePut),
    storageGet: counted('storage_get', host.storageGet),
    enqueue: counted('enqueue', host.enqueue),
  };
}
