import { once } from 'node:events';
import type { Command } from 'commander';
import { isAppError } from '../../errors.js';
import { handleStopSignals } from '../../process/stop-signals.js';
import { createClient } from '../client.js';
import { engineNotes } from '../config.js';
import { rememberEngine } from '../local-engines.js';
import { terminalOf } from '../session.js';
import type { Terminal } from '../terminal.js';
import { wholeNumber } from '../values.js';
import { consoleLink } from './console.js';

interface UpFlags {
  port?: number;
  data?: string;
}

/** Adds the command `orama up`. */
export function addUp(program: Command): void {
  program
    .command('up')
    .description('start the engine on this machine in one process')
    .option('--port <port>', 'port to listen on; 0 selects a free port (PORT, 4000)', wholeNumber(0, 65_535))
    .option('--data <dir>', 'directory of the embedded stores (ORAMA_DATA_DIR, .orama)')
    .action(async (flags: UpFlags, command: Command) => {
      const terminal = terminalOf(command);
      const stop = stopSignal();
      // Imported lazily: only this command needs the engine, which takes ten times as long to load
      // as the rest.
      const { startAllInOne } = await import('../../up.js');
      const engine = await startAllInOne({
        stop,
        ...(flags.port === undefined ? {} : { port: flags.port }),
        ...(flags.data === undefined ? {} : { dataDir: flags.data }),
      });
      const forget = rememberEngine(engineNotes(), engine.url, engine.dataDir);
      terminal.line(
        terminal.json
          ? JSON.stringify({
              url: engine.url,
              functions_url: engine.functionsUrl,
              console_url: await consoleUrl(engine, terminal),
              data_dir: engine.dataDir,
            })
          : `listening on ${engine.url}\nHTTP functions on ${engine.functionsUrl}`,
      );
      if (!terminal.json) terminal.line(`Console: ${await consoleUrl(engine, terminal)}`);
      terminal.progress(`Data in ${engine.dataDir}; stop with Ctrl-C`);
      try {
        if (!stop.aborted) await once(stop, 'abort');
        terminal.progress('Stopping…');
      } finally {
        forget();
        await engine.close();
      }
      process.exit(0);
    });
}

/** Returns a console URL that signs in once, or one without a token if none could be created. */
async function consoleUrl(
  { url, adminKey }: { url: string; adminKey: string },
  terminal: Terminal,
): Promise<string> {
  try {
    return await consoleLink(createClient({ url, apiKey: adminKey }));
  } catch (error) {
    // The line of the log may be below LOG_LEVEL, or among many others.
    if (isAppError(error, 'unauthorized'))
      terminal.problem(
        'The admin key of this engine has been revoked; see docs/operations.md, "Replacing the admin key".',
      );
    return `${url}/console`;
  }
}

/**
 * Returns a signal that is aborted by the first SIGTERM or SIGINT, which shuts the engine down,
 * also during startup. A second signal exits immediately.
 */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  handleStopSignals(() => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
  return stop.signal;
}
