import type { BullWorker } from './driver.js';
import type { Warn } from './warn.js';

/** The interval of reports about errors that persist, in milliseconds. */
const REPORT_AGAIN_MS = 30_000;

/**
 * Reports the errors of a worker, which while Redis refuses writes has one at every attempt: each
 * message at once, then how often it came again in each interval, and the first interval without
 * any error.
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
  const reported = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let last: Error | undefined;
  let repeated = 0;
  let isQuiet = false;

  const reportRepeated = (): void => {
    if (repeated > 0) {
      warn(`The ${name} reported ${repeated} further errors within ${within}; this is the last one.`, last);
    }
    last = undefined;
    repeated = 0;
  };
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
    reported.clear();
  };
  const intervalEnded = (): void => {
    if (isQuiet) {
      stop();
      warn(`The ${name} has reported no error for ${within}.`, undefined);
      return;
    }
    isQuiet = true;
    reportRepeated();
  };
  worker.on('error', (error) => {
    timer ??= setInterval(intervalEnded, everyMs).unref();
    isQuiet = false;
    if (reported.has(error.message)) {
      last = error;
      repeated += 1;
      return;
    }
    reported.add(error.message);
    warn(`The ${name} reported an error.`, error);
  });
  worker.on('closed', () => {
    reportRepeated();
    stop();
  });
}
