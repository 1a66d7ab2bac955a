import type { RequestId } from '../../src/contract/ids.js';
import { AppError, isAppError, messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { HostCalls } from '../../src/ports/engine.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Tracer } from '../../src/ports/tracer.js';

/**
 * The same host functions, each call counted, a span below `parent`, and what failed behind it in
 * the engine's log.
 */
export function observedHost(
  host: HostCalls,
  {
    meter,
    tracer,
    parent,
    logger,
    requestId,
  }: { meter: Meter; tracer: Tracer; parent: string | undefined; logger: Logger; requestId: RequestId },
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
        throw toldError(error, () =>
          logger.warn({ request_id: requestId, call: name, err: error }, 'a host call failed'),
        );
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

/** What the function's log says of a failure; what a driver said goes to the engine's own. */
function toldError(error: unknown, log: () => void): unknown {
  if (isAppError(error)) {
    if (error.status >= 500 && error.cause !== undefined) log();
    return error;
  }
  log();
  return new AppError('internal', "the engine failed at this call; the engine's log has the details", {
    cause: error,
  });
}
