import type { Logger } from './logger.js';

/** Runs `close` at the first SIGTERM or SIGINT and exits with the code it gives; a second signal exits at once. */
export function closeOnSignal(logger: Logger, close: () => Promise<number>): void {
  let closing = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (closing) process.exit(1);
    closing = true;
    logger.info({ signal }, 'closing');
    close().then(
      (code) => process.exit(code),
      (error: unknown) => {
        logger.error({ err: error }, 'did not close cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
