import { messageOf } from '../../src/errors.js';
import type { HostCalls } from '../../src/ports/engine.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Tracer } from '../../src/ports/tracer.js';

/** The same host functions, each call counted, and a span below `parent`. */
export function observedHost(
  host: HostCalls,
  { meter, tracer, parent }: { meter: Meter; tracer: Tracer; parent: string | undefined },
): HostCalls {
  const observed =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const span = tracer.start({ name, kind: 'client', parent });
      try {
        const result = await call(...args);
        meter.hostCalled(name, true);
        span.end();
        return result;
      } catch (error) {
        meter.hostCalled(name, false);
        span.end(messageOf(error));
        throw error;
      }
    };
  return {
    getSecret: observed('get_secret', host.getSecret),
    dbQuery: observed('db_query', host.dbQuery),
    dbExecute: observed('db_execute', host.dbExecute),
    cacheGet: observed('cache_get', host.cacheGet),
    cacheSet: observed('cache_set', host.cacheSet),
    cacheIncrement: observed('cache_incr', host.cacheIncrement),
    cacheDelete: observed('cache_delete', host.cacheDelete),
    httpFetch: observed('http_fetch', host.httpFetch),
    httpStart: observed('http_start', host.httpStart),
    httpNext: observed('http_next', host.httpNext),
    publish: observed('pubsub_publish', host.publish),
    storagePut: observed('storage_put', host.storagePut),
    storageGet: observed('storage_get', host.storageGet),
    enqueue: observed('enqueue', host.enqueue),
  };
}
