import { messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { Store } from '../ports/store.js';

const DAY_MS = 24 * 3600 * 1000;
const EVERY_MS = 60_000;

export interface RetentionOptions {
  logDays: number;
  deadDays: number;
}

/**
 * Deletes expired logs, audit events, dead letters, outputs and inputs every minute, with bounded
 * work per run.
 */
export function startRetention(store: Store, options: RetentionOptions, logger: Logger): Closable {
  let closed = false;
  let sweeping: Promise<void> = Promise.resolve();

  const sweep = async () => {
    const now = Date.now();
    try {
      let touched = 0;
      do {
        const logsBefore = now - options.logDays * DAY_MS;
        const deadBefore = now - options.deadDays * DAY_MS;
        touched = await store.callbacks.sweep(logsBefore);
        touched += await store.traces.sweep(logsBefore);
        touched += await store.attempts.sweep({ logsBefore, deadBefore, now });
        touched += await store.audit.sweep(logsBefore);
      } while (touched > 0 && !closed);
    } catch (error) {
      logger.warn({ err: messageOf(error) }, 'expired records could not be deleted; retrying in a minute');
    }
  };
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep);
  }, EVERY_MS);
  timer.unref();

  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await sweeping;
    },
  };
}
