import { Closers } from './closers.js';
import { composeCore } from './compose/core.js';
import { composeEngine } from './compose/engine.js';
import { openParts } from './compose/parts.js';
import { createShutdownDeadline } from './compose/shutdown-deadline.js';
import { startWeb } from './compose/web.js';
import { composeLogWriter, startWorker } from './compose/worker.js';
import { type Config, loadConfig } from './config.js';
import type { Trace } from './contract/trace.js';
import { URL_FILE } from './data-dir.js';
import { hasStarted } from './lean-start.js';
import { createLogger } from './logger.js';
import { makeOwnerOnly } from './owner-only.js';
import type { Closable } from './ports/closable.js';
import { writeReadyFile } from './ready-file.js';
import { exitWithin } from './shutdown.js';

export interface UpOptions {
  port?: number;
  dataDir?: string;
  /** In place of LOG_LEVEL. */
  logLevel?: Config['LOG_LEVEL'];
  /**
   * Nothing of the environment: whatever servers it names, everything is embedded in the data
   * directory.
   */
  isApart?: boolean;
  /** What functions are given in place of the outside world. */
  replay?: Trace;
  /**
   * Aborted when the process is to end: everything is closed then, and the process exits with 0
   * when SHUTDOWN_SECONDS are over, or before, when it had not started yet.
   */
  stop?: AbortSignal;
}

export interface RunningEngine extends Closable {
  /** `http://127.0.0.1:4000` */
  url: string;
  /** Where HTTP functions are served: `http://127.0.0.1:4001`. */
  functionsUrl: string;
  /** The key of namespace `default` that may make others. */
  adminKey: string;
  dataDir: string;
}

/**
 * Everything in one process: web and worker on whatever the settings name, embedded where they name
 * nothing.
 */
export async function startAllInOne(options: UpOptions = {}): Promise<RunningEngine> {
  makeOwnerOnly();
  const overrides = {
    ...(options.port === undefined ? {} : { PORT: String(options.port) }),
    ...(options.dataDir === undefined ? {} : { ORAMA_DATA_DIR: options.dataDir }),
    ...(options.logLevel === undefined ? {} : { LOG_LEVEL: options.logLevel }),
  };
  const { config, warnings } = options.isApart ? loadConfig(overrides, {}) : loadConfig(overrides);
  const logger = createLogger(config.LOG_LEVEL);
  for (const warning of warnings) logger.warn(warning);

  const closers = new Closers(logger);
  let isRunning = false;
  const stop = () => {
    exitWithin(config.SHUTDOWN_SECONDS, logger);
    void closers.close().then(() => {
      if (!isRunning) process.exit(0);
    });
  };
  options.stop?.addEventListener('abort', stop, { once: true });
  if (options.stop?.aborted) stop();
  try {
    const parts = await openParts(config, logger, closers);
    const logWriter = composeLogWriter(parts, closers);
    const engine = closers.add(composeEngine(parts, 'worker'));
    const core = await composeCore(parts, closers, logWriter.write);
    const deadline = createShutdownDeadline(config.SHUTDOWN_SECONDS);
    await startWorker(parts, core, { engine, logWriter, deadline, replay: options.replay }, closers);
    const server = await startWeb(parts, core, { engine, isWorker: true }, closers);
    // The CLI on this machine finds the engine by this file.
    await parts.dataDir.write(URL_FILE, `${server.url}\n`);
    closers.add({ close: () => parts.dataDir.remove(URL_FILE) });
    if (config.READY_FILE !== undefined) closers.add(await writeReadyFile(config.READY_FILE));
    // Added last, it is closed first: from then on the time runs for the server and the worker
    // alike.
    closers.add(deadline);
    hasStarted();
    isRunning = true;
    return {
      url: server.url,
      functionsUrl: server.functionsUrl,
      adminKey: parts.keys.admin,
      dataDir: parts.dataDir.path,
      close: () => closers.close(),
    };
  } catch (error) {
    const cutShort = closers.isClosing;
    await closers.close();
    // What a start says that a signal has cut short is of no interest; the process exits now.
    if (cutShort) return await new Promise<never>(() => {});
    throw error;
  }
}
