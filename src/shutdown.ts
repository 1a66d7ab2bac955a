import type { Logger } from './logger.js';
import { handleStopSignals } from './stop-signals.js';

/**
 * What is left of SHUTDOWN_SECONDS for handing jobs back when the guests that still run are
 * stopped.
 */
const HAND_BACK_MS = 1000;
const HAND_BACK_SHARE = 0.25;

/** Milliseconds from the signal after which guests that still run are stopped. */
export function finishMs(shutdownSeconds: number): number {
  const ms = shutdownSeconds * 1000;
  return ms - Math.min(HAND_BACK_MS, ms * HAND_BACK_SHARE);
}

/**
 * Ends the process when SHUTDOWN_SECONDS are over, whatever is still open: a server that is away
 * may never answer. What it holds of this process is given up there as it is when a process is
 * killed. Once guests were stopped, their jobs have a second to be handed back.
 */
export function exitWithin(shutdownSeconds: number, logger: Logger): void {
  const ms = Math.max(shutdownSeconds * 1000, finishMs(shutdownSeconds) + HAND_BACK_MS);
  const timer = setTimeout(() => {
    logger.warn('SHUTDOWN_SECONDS are over; the process ends although a part is not closed');
    process.exit(0);
  }, ms);
  timer.unref();
}

/** Runs `close` at the first SIGTERM or SIGINT and exits with 0; a second signal exits at once. */
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
        logger.error({ err: error }, 'did not close cleanly');
        process.exit(1);
      },
    );
  });
}
