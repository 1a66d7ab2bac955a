import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../../src/errors.js';
import type { Cache } from '../../src/ports/cache.js';

/**
 * How long calls wait for a restarting cache server, in milliseconds. Longer outages are reported
 * to the function.
 */
const TIMEOUT_MS = 2000;
const RETRY_DELAY_MS = 50;

/**
 * Wraps the cache for one invocation: a call made while the cache server restarts waits for it
 * instead of failing. A call that may have taken effect is repeated only if it is idempotent, so an
 * increment that was sent is not. Consecutive failing calls share one TIMEOUT_MS: otherwise a
 * function that calls often would spend its time waiting during a long outage.
 */
export function retryingCache(cache: Cache): Pick<Cache, 'get' | 'set' | 'increment' | 'delete'> {
  let leftMs = TIMEOUT_MS;

  const call = async <T>(work: () => Promise<T>, { mayRepeat }: { mayRepeat: boolean }): Promise<T> => {
    const deadline = Date.now() + leftMs;
    for (;;) {
      await cache.reachable(deadline - Date.now());
      try {
        const result = await work();
        leftMs = TIMEOUT_MS;
        return result;
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
        leftMs = Math.max(0, deadline - Date.now());
        if (!mayRepeat || leftMs < RETRY_DELAY_MS) throw error;
        await sleep(RETRY_DELAY_MS);
      }
    }
  };

  return {
    get: (...args) => call(() => cache.get(...args), { mayRepeat: true }),
    set: (...args) => call(() => cache.set(...args), { mayRepeat: true }),
    delete: (...args) => call(() => cache.delete(...args), { mayRepeat: true }),
    increment: (...args) => call(() => cache.increment(...args), { mayRepeat: false }),
  };
}
