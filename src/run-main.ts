import { Closers } from './closers.js';
import { type Config, loadConfig } from './config.js';
import { isAppError, messageOf } from './errors.js';
import { hasStarted } from './lean-start.js';
import { createLogger, type Logger } from './logger.js';
import { makeOwnerOnly } from './owner-only.js';
import { closeOnSignal } from './shutdown.js';

/**
 * A process of the Procfile: reads its settings, runs until a signal, and ends with one sentence
 * when it cannot start. A signal may come at any time, the moment at which it says that it is ready
 * included: what is open by then is closed.
 */
export async function runMain(
  start: (config: Config, logger: Logger, closers: Closers) => Promise<void>,
): Promise<void> {
  makeOwnerOnly();
  let closers: Closers | null = null;
  try {
    const { config, warnings } = loadConfig();
    const logger = createLogger(config.LOG_LEVEL);
    for (const warning of warnings) logger.warn(warning);
    const opened = new Closers(logger);
    closers = opened;
    closeOnSignal(logger, config.SHUTDOWN_SECONDS, () => opened.close());
    await start(config, logger, opened);
    hasStarted();
  } catch (error) {
    // What a start says that a signal has cut short is of no interest.
    if (closers?.isClosing) return;
    await closers?.close();
    process.stderr.write(`${messageOf(error)}\n`);
    // A fault of ours is worth its stack; a wrong setting is not.
    if (!isAppError(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  }
}
