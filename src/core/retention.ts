import { DAY_MS } from '../contract/limits.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import type { Store } from '../ports/store.js';

const EVERY_MS = 60_000;

export interface RetentionOptions {
  logDays: number;
  deadDays: number;
}

/**
 * Deletes expired logs, audit events, keys, dead letters, outputs and inputs every minute, in
 * statements of bounded size.
 */
export function startRetention(store: Store, options: RetentionOptions, logger: Logger): Closable {
  let closed = false;
  let sweeping: Promise<void> = Promise.resolve();

  const sweep = async () => {
    const now = Date.now();
    const logsBefore = now - options.logDays * DAY_MS;
    const deadBefore = now - options.deadDays * DAY_MS;
    const steps = {
      callbacks: () => store.callbacks.sweep(logsBefore),
      traces: () => store.traces.sweep(logsBefore),
      audit: () => store.audit.sweep(logsBefore),
      keys: () => store.keys.sweep(logsBefore),
      attempts: () => store.attempts.sweep({ logsBefore, deadBefore, now }),
    };
    for (const [records, step] of Object.entries(steps)) {
      try {
        while (!closed && (await step()) > 0);
      } catch (error) {
        // The other kinds must not wait for this one: the disk would fill.
        const fields = { records, err: messageOf(error) };
        logger.warn(fields, 'expired records could not be deleted; retrying in a minute');
      }
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
