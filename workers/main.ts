import '../src/lean-start.js';
import '../src/early.js';
import { composeCore } from '../src/compose/core.js';
import { composeEngine } from '../src/compose/engine.js';
import { openParts } from '../src/compose/parts.js';
import { assertShared } from '../src/compose/shared.js';
import { createShutdownDeadline } from '../src/compose/shutdown-deadline.js';
import { composeLogWriter, startWorker } from '../src/compose/worker.js';
import { runMain } from '../src/run-main.js';

/** The Procfile's `worker`. */
await runMain(async (config, logger, closers) => {
  assertShared('worker', config, logger);
  const parts = await openParts(config, logger, closers);
  const logWriter = composeLogWriter(parts, closers);
  const engine = closers.add(composeEngine(parts, 'worker'));
  const core = await composeCore(parts, closers, logWriter.write);
  const deadline = createShutdownDeadline(config.SHUTDOWN_SECONDS);
  await startWorker(parts, core, { engine, logWriter, deadline }, closers);
  process.stdout.write('taking jobs\n');
});
