import { Closers } from '../closers.js';
import { type Config, loadConfig } from '../config.js';
import { isAppError, messageOf } from '../errors.js';
import { makeOwnerOnly } from '../files/owner-only.js';
import { createLogger, type Logger } from '../logger.js';
import { closeFailedStart, closeOnSignal } from './shutdown.js';
import { allowHeapGrowth } from './v8-flags.js';

/**
 * Runs a process of the Procfile: loads the settings, starts the process and runs until a signal
 * arrives. If startup fails, prints one sentence and exits with 1. A signal may arrive at any time,
 * also during startup; everything opened so far is then closed.
 */
export async function runMain(
  start: (config: Config, logger: Logger, closers: Closers) => Promise<void>,
): Promise<void> {
  makeOwnerOnly();
  let closers: Closers | null = null;
  let shutdownSeconds = 0;
  try {
    const { config, warnings } = loadConfig();
    const logger = createLogger(config.LOG_LEVEL);
    for (const warning of warnings) logger.warn(warning);
    const opened = new Closers(logger);
    closers = opened;
    shutdownSeconds = config.SHUTDOWN_SECONDS;
    closeOnSignal(logger, config.SHUTDOWN_SECONDS, () => opened.close());
    await start(config, logger, opened);
    allowHeapGrowth();
  } catch (error) {
    // A signal has aborted the startup; the resulting error is not reported.
    if (closers?.isClosing) return;
    if (closers !== null) await closeFailedStart(closers, shutdownSeconds);
    process.stderr.write(`${messageOf(error)}\n`);
    // Print the stack of internal errors only; a wrong setting needs none.
    if (!isAppError(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  }
}
