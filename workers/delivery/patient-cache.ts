import { setTimeout as sleep } from 'node:timers/promises';
import { isAppError } from '../../src/errors.js';
import type { Cache } from '../../src/ports/cache.js';

/**
 * A cache server that restarts is back within about this time; a function that would have to wait
 * longer is told.
 */
const PATIENCE_MS = 2000;
const PAUSE_MS = 50;

/**
 * The cache as one invocation uses it: a call made while its server comes back waits for that
 * instead of failing. What may have taken effect is made again only where twice is as good as once,
 * so an increment that was sent is not. Calls that fail one after the other wait so long together:
 * with the cache away for good, a function that asks often would spend its time on waiting.
 */
export function patientCache(cache: Cache): Pick<Cache, 'get' | 'set' | 'increment' | 'delete'> {
  let left = PATIENCE_MS;

  const call = async <T>(work: () => Promise<T>, { mayRepeat }: { mayRepeat: boolean }): Promise<T> => {
    const end = Date.now() + left;
    for (;;) {
      await cache.reachable(end - Date.now());
      try {
        const result = await work();
        left = PATIENCE_MS;
        return result;
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
        left = Math.max(0, end - Date.now());
        if (!mayRepeat || left < PAUSE_MS) throw error;
        await sleep(PAUSE_MS);
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
