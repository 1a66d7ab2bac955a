import { Closers } from './closers.js';
import { startWeb } from './compose/web.js';
import { composeWorker } from './compose/worker.js';
import { type Config, loadConfig } from './config.js';
import type { Trace } from './contract/trace.js';
import { URL_FILE } from './files/data-dir.js';
import { makeOwnerOnly } from './files/owner-only.js';
import { removeReadyFile, writeReadyFile } from './files/ready-file.js';
import { createLogger } from './logger.js';
import type { Closable } from './ports/closable.js';
import { closeFailedStart, exitWithin } from './process/shutdown.js';
import { allowHeapGrowth } from './process/v8-flags.js';

export interface UpOptions {
  port?: number;
  dataDir?: string;
  /** Overrides LOG_LEVEL. */
  logLevel?: Config['LOG_LEVEL'];
  /** Ignores the environment: all storage is embedded in the data directory. */
  ignoreEnvironment?: boolean;
  /** Recorded results that host calls return instead of reaching external systems. */
  replay?: Trace;
  /**
   * Aborting it shuts the engine down: everything is closed and the process exits with 0, after
   * SHUTDOWN_SECONDS at the latest. If startup is not complete, the process exits earlier.
   */
  stop?: AbortSignal;
}

export interface RunningEngine extends Closable {
  /** Base URL of the API, such as `http://127.0.0.1:4000`. */
  url: string;
  /** Base URL of HTTP functions, such as `http://127.0.0.1:4001`. */
  functionsUrl: string;
  /** The key of namespace `default` that may create other keys. */
  adminKey: string;
  dataDir: string;
}

/**
 * Starts web and worker in one process, with the drivers that the settings name and embedded ones
 * for all others.
 */
export async function startAllInOne(options: UpOptions = {}): Promise<RunningEngine> {
  makeOwnerOnly();
  const overrides = {
    ...(options.port === undefined ? {} : { PORT: String(options.port) }),
    ...(options.dataDir === undefined ? {} : { ORAMA_DATA_DIR: options.dataDir }),
    ...(options.logLevel === undefined ? {} : { LOG_LEVEL: options.logLevel }),
  };
  const { config, warnings } = options.ignoreEnvironment ? loadConfig(overrides, {}) : loadConfig(overrides);
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
    await removeReadyFile(config.READY_FILE);
    const { ports, core, engine, deadline } = await composeWorker(config, logger, closers, options.replay);
    const server = await startWeb(ports, core, { engine, isWorker: true }, closers);
    // The CLI on the same machine discovers the engine through this file.
    await ports.dataDir.write(URL_FILE, `${server.url}\n`);
    closers.add({ close: () => ports.dataDir.remove(URL_FILE) });
    closers.add(await writeReadyFile(config.READY_FILE));
    // Registered last, hence closed first: the shutdown timeout applies to server and worker.
    closers.add(deadline);
    allowHeapGrowth();
    isRunning = true;
    return {
      url: server.url,
      functionsUrl: server.functionsUrl,
      adminKey: ports.keys.admin,
      dataDir: ports.dataDir.path,
      close: () => closers.close(),
    };
  } catch (error) {
    // A signal has aborted the startup; the process is about to exit, so the error is not reported.
    if (closers.isClosing) return await new Promise<never>(() => {});
    await closeFailedStart(closers, config.SHUTDOWN_SECONDS);
    throw error;
  }
}
