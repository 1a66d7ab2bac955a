import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, isAppError } from '../../src/errors.js';
import type { Cache } from '../../src/ports/cache.js';
import { within } from '../../src/within.js';

/**
 * How long calls wait for a restarting cache server, in milliseconds. Longer outages are reported
 * to the function.
 */
const TIMEOUT_MS = 2000;
const PAUSE_MS = 50;
/** How long a call that finds no waiting time left is given to be answered, in milliseconds. */
const LEAST_MS = 250;

/**
 * Wraps the cache for one invocation: a call made while the cache server restarts waits for it
 * instead of failing. A call that may have taken effect is repeated only if it is idempotent, so an
 * increment that was sent is not. Consecutive failing calls share one TIMEOUT_MS: otherwise a
 * function that calls often would spend its time waiting during a long outage.
 */
export function patientCache(cache: Cache): Pick<Cache, 'get' | 'set' | 'increment' | 'delete'> {
  let left = TIMEOUT_MS;

  const call = async <T>(work: () => Promise<T>, { mayRepeat }: { mayRepeat: boolean }): Promise<T> => {
    const end = Date.now() + left;
    for (;;) {
      await cache.reachable(end - Date.now());
      try {
        const result = await within(Math.max(end - Date.now(), LEAST_MS), work(), noAnswer);
        left = TIMEOUT_MS;
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

/** The server is connected but does not answer, as when it is frozen or loads its data. */
function noAnswer(): AppError {
  return new AppError('unavailable', 'The cache cannot be reached right now; try again in a moment.');
}
