import type { Closable } from '../src/ports/closable.js';

const CHECK_EVERY_MS = 2000;
/** Smaller steps, in milliseconds, as NTP makes them, are ignored. */
const LEAST_MS = 1000;

/**
 * Calls the handler when the system's clock has been set back. What waits for a time that was
 * computed before would otherwise wait longer by as much.
 */
export function onClockSetBack(handler: () => void): Closable {
  const offsetNow = () => Date.now() - performance.now();
  let offset = offsetNow();
  const timer = setInterval(() => {
    const now = offsetNow();
    const wasSetBack = offset - now > LEAST_MS;
    offset = now;
    if (wasSetBack) handler();
  }, CHECK_EVERY_MS);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
    },
  };
}
