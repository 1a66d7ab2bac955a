import './process/v8-flags.js';
import './process/process-handlers.js';
import { composeCore } from './compose/core.js';
import { composeEngine } from './compose/engine.js';
import { migrate, openPorts } from './compose/ports.js';
import { assertShared } from './compose/shared.js';
import { startWeb } from './compose/web.js';
import { show } from './contract/show.js';
import { AppError } from './errors.js';
import { removeReadyFile, writeReadyFile } from './files/ready-file.js';
import { runMain } from './process/run-main.js';

/** Entry point of the Procfile's `release` and `web` processes. */
await runMain(async (config, logger, closers) => {
  const role = process.argv[2];
  // A misspelled release must not end as a second web process.
  if (role !== 'web' && role !== 'release') {
    throw new AppError('bad_config', `The process to start must be web or release, not ${show(role)}.`);
  }
  if (role === 'release') {
    const applied = await migrate(config, logger);
    logger.info({ applied }, 'the schema is up to date');
    return;
  }
  assertShared('web', config, logger);
  await removeReadyFile(config.READY_FILE);
  const ports = await openPorts(config, logger, closers);
  const engine = composeEngine(ports, 'web', closers);
  const core = await composeCore(ports, closers, (row) => ports.store.attempts.write([row]));
  const server = await startWeb(ports, core, { engine, isWorker: false }, closers);
  closers.add(await writeReadyFile(config.READY_FILE));
  process.stdout.write(`listening on ${server.url}\nHTTP functions on ${server.functionsUrl}\n`);
});
