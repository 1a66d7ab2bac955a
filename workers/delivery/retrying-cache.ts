import { setTimeout as sleep } from 'node:timers/promises';
import { withTimeout } from '../../src/concurrency/timeout.js';
import { AppError, isAppError } from '../../src/errors.js';
import type { Cache } from '../../src/ports/cache.js';

/**
 * How long calls wait for a restarting cache server, in milliseconds. Longer outages are reported
 * to the function.
 */
const TIMEOUT_MS = 2000;
const RETRY_DELAY_MS = 50;
/** How long a call is given that finds no time left, in milliseconds. */
const MIN_ANSWER_MS = 250;

/**
 * Wraps the cache for one invocation: a call made while the cache server restarts waits for it
 * instead of failing. A call that may have taken effect is repeated only if it is idempotent, so an
 * increment that was sent is not. Consecutive failing calls share one TIMEOUT_MS: otherwise a
 * function that calls often would spend its time waiting during a long outage.
 */
export function retryingCache(cache: Cache): Pick<Cache, 'get' | 'set' | 'increment' | 'delete'> {
  let leftMs = TIMEOUT_MS;

  const call = async <T>(work: () => Promise<T>, { mayRepeat }: { mayRepeat: boolean }): Promise<T> => {
    const deadline = performance.now() + leftMs;
    for (;;) {
      await cache.reachable(deadline - performance.now());
      try {
        const answerMs = Math.max(deadline - performance.now(), MIN_ANSWER_MS);
        const result = await withTimeout(answerMs, work(), noAnswer);
        leftMs = TIMEOUT_MS;
        return result;
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
        leftMs = Math.max(0, deadline - performance.now());
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

/** The server is connected but does not answer, as when it is frozen or loads its data. */
function noAnswer(): AppError {
  return new AppError('unavailable', 'The cache cannot be reached right now; try again in a moment.');
}
