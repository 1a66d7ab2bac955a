import { type Config, loadConfig } from './config.js';
import { isAppError, messageOf } from './errors.js';
import { hasStarted } from './lean-start.js';
import { createLogger, type Logger } from './logger.js';
import type { Closable } from './ports/closable.js';
import { closeOnSignal } from './shutdown.js';

/** A process of the Procfile: reads its settings, runs until a signal, and ends with one sentence when it cannot start. */
export async function runMain(
  start: (config: Config, logger: Logger) => Promise<Closable | null>,
): Promise<void> {
  try {
    const { config, warnings } = loadConfig();
    const logger = createLogger(config.LOG_LEVEL);
    for (const warning of warnings) logger.warn(warning);
    const running = await start(config, logger);
    hasStarted();
    if (running) closeOnSignal(logger, () => running.close());
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    // A fault of ours is worth its stack; a wrong setting is not.
    if (!isAppError(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  }
}
