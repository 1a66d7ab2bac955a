import '../src/process/v8-flags.js';
import '../src/process/process-handlers.js';
import { checkHealth } from '../src/compose/health.js';
import { assertShared } from '../src/compose/shared.js';
import { composeWorker } from '../src/compose/worker.js';
import { removeReadyFile, writeReadyFile } from '../src/files/ready-file.js';
import { logServerError } from '../src/http/listen/listen.js';
import { startWorkerServer } from '../src/http/worker-server.js';
import { runMain } from '../src/process/run-main.js';

/** Entry point of the `worker` process (see Procfile). */
await runMain(async (config, logger, closers) => {
  assertShared('worker', config, logger);
  await removeReadyFile(config.READY_FILE);
  const { ports, engine } = await composeWorker(config, logger, closers);
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
        onError: logServerError(logger),
      }),
    );
    process.stdout.write(`health and metrics on ${server.url}\n`);
  }
  closers.add(await writeReadyFile(config.READY_FILE));
  process.stdout.write('taking jobs\n');
});
