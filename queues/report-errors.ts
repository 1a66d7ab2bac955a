import type { BullWorker } from './driver.js';
import type { Warn } from './warn.js';

/** The interval of reports about errors that persist, in milliseconds. */
const REPORT_AGAIN_MS = 30_000;

/**
 * Reports the errors of a worker, which while Redis refuses writes has one at every attempt: the
 * first at once, then the last of each interval, and the first interval without any.
 *
 * @param name How the worker is named in messages, such as `task worker`.
 */
export function reportErrors(
  worker: Pick<BullWorker<unknown>, 'on'>,
  name: string,
  warn: Warn,
  everyMs = REPORT_AGAIN_MS,
): void {
  const within = `${everyMs / 1000} s`;
  let timer: NodeJS.Timeout | undefined;
  let last: Error | undefined;
  let unreported = 0;

  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  const intervalEnded = (): void => {
    if (unreported === 0) {
      stop();
      warn(`The ${name} has reported no error for ${within}.`, undefined);
      return;
    }
    warn(`The ${name} reported ${unreported} further errors within ${within}; this is the last one.`, last);
    last = undefined;
    unreported = 0;
  };
  worker.on('error', (error) => {
    if (timer === undefined) {
      warn(`The ${name} reported an error.`, error);
      timer = setInterval(intervalEnded, everyMs).unref();
      return;
    }
    last = error;
    unreported += 1;
  });
  worker.on('closed', stop);
}
