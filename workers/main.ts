import '../src/process/v8-flags.js';
import '../src/process/process-handlers.js';
import { composeCore } from '../src/compose/core.js';
import { composeEngine } from '../src/compose/engine.js';
import { checkHealth } from '../src/compose/health.js';
import { openPorts } from '../src/compose/ports.js';
import { assertShared } from '../src/compose/shared.js';
import { createShutdownDeadline } from '../src/compose/shutdown-deadline.js';
import { composeLogWriter, startWorker } from '../src/compose/worker.js';
import { removeReadyFile, writeReadyFile } from '../src/files/ready-file.js';
import { startWorkerServer } from '../src/http/worker-server.js';
import { runMain } from '../src/process/run-main.js';

/** Entry point of the `worker` process (see Procfile). */
await runMain(async (config, logger, closers) => {
  assertShared('worker', config, logger);
  await removeReadyFile(config.READY_FILE);
  const ports = await openPorts(config, logger, closers);
  const logWriter = composeLogWriter(ports, closers);
  const engine = composeEngine(ports, 'worker', closers);
  const core = await composeCore(ports, closers, (row) => logWriter.write(row));
  const deadline = createShutdownDeadline(config.SHUTDOWN_SECONDS);
  await startWorker(ports, core, { engine, logWriter, deadline }, closers);
  if (config.WORKER_PORT !== undefined) {
    const { metrics } = ports;
    const endpoints = {
      health: () => checkHealth(ports, engine),
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text([], []) }),
    };
    const server = closers.add(
      await startWorkerServer(endpoints, {
        host: config.HOST,
        port: config.WORKER_PORT,
        onError: (error) => logger.error({ err: error }, 'the HTTP server failed; it continues'),
      }),
    );
    process.stdout.write(`health and metrics on ${server.url}\n`);
  }
  closers.add(await writeReadyFile(config.READY_FILE));
  process.stdout.write('taking jobs\n');
});
