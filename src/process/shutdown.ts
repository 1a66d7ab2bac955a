import { waitAtMost } from '../concurrency/timeout.js';
import type { Logger } from '../logger.js';
import type { Closable } from '../ports/closable.js';
import { handleStopSignals } from './stop-signals.js';

/**
 * Part of SHUTDOWN_SECONDS that is reserved for returning jobs to the queue after running guests
 * have been stopped.
 */
const RETURN_MS = 1000;
const RETURN_FRACTION = 0.25;

/** Returns the time in milliseconds after the signal at which guests that still run are stopped. */
export function finishMs(shutdownSeconds: number): number {
  const ms = shutdownSeconds * 1000;
  return ms - Math.min(RETURN_MS, ms * RETURN_FRACTION);
}

/**
 * Ends the process when SHUTDOWN_SECONDS have passed, even if resources are still open: an
 * unreachable server may never respond. Other servers then release what this process held, as after
 * a crash. Once guests have been stopped, the process has one second to return their jobs to the
 * queue.
 */
export function exitWithin(shutdownSeconds: number, logger: Logger): void {
  const ms = Math.max(shutdownSeconds * 1000, finishMs(shutdownSeconds) + RETURN_MS);
  const timer = setTimeout(() => {
    logger.warn('SHUTDOWN_SECONDS have passed; exiting although a resource is still open');
    process.exit(0);
  }, ms);
  timer.unref();
}

/** The time in which the error of a failed start is reported, in milliseconds. */
const REPORT_MS = 1000;

/**
 * Closes what a failed start has opened, for at most SHUTDOWN_SECONDS: on a full disk, the jobs
 * that it has taken cannot be settled. If something is still open then, the process exits with 1 as
 * soon as the caller has reported the error.
 */
export async function closeFailedStart(opened: Closable, shutdownSeconds: number): Promise<void> {
  let isClosed = false;
  const closing = opened.close().finally(() => {
    isClosed = true;
  });
  await waitAtMost(shutdownSeconds * 1000, closing);
  if (!isClosed) setTimeout(() => process.exit(1), REPORT_MS).unref();
}

/**
 * Calls `close` on the first SIGTERM or SIGINT and exits with 0. A second signal exits immediately
 * with 1.
 */
export function closeOnSignal(logger: Logger, shutdownSeconds: number, close: () => Promise<void>): void {
  let closing = false;
  handleStopSignals((signal) => {
    if (closing) process.exit(1);
    closing = true;
    logger.info({ signal }, 'closing');
    exitWithin(shutdownSeconds, logger);
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'the process could not be shut down cleanly');
        process.exit(1);
      },
    );
  });
}
