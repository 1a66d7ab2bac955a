/**
 * The `worker` process with a log that writes nothing; the difference is the cost of log writing.
 */
import '../src/process/v8-flags.js';
import { composeCore } from '../src/compose/core.js';
import { composeEngine } from '../src/compose/engine.js';
import { openPorts } from '../src/compose/ports.js';
import { createShutdownDeadline } from '../src/compose/shutdown-deadline.js';
import { startWorker } from '../src/compose/worker.js';
import { runMain } from '../src/process/run-main.js';
import type { LogWriter } from '../workers/delivery/log-writer.js';

const nothing: LogWriter = {
  write: () => Promise.resolve(),
  announce: () => {},
  withdraw: () => {},
  stats: () => ({ pending: 0, lagMs: 0 }),
  close: () => Promise.resolve(),
};

await runMain(async (config, logger, closers) => {
  const ports = await openPorts(config, logger, closers);
  const engine = composeEngine(ports, 'worker', closers);
  const core = await composeCore(ports, closers, nothing.write);
  await startWorker(
    ports,
    core,
    { engine, logWriter: nothing, deadline: createShutdownDeadline(config.SHUTDOWN_SECONDS) },
    closers,
  );
  process.stdout.write('taking jobs\n');
});
