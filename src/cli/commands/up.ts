import { once } from 'node:events';
import type { Command } from 'commander';
import { handleStopSignals } from '../../stop-signals.js';
import { createClient } from '../client.js';
import { engineNotes } from '../config.js';
import { rememberEngine } from '../local-engines.js';
import { terminalOf } from '../session.js';
import { wholeNumber } from '../values.js';
import { consoleLink } from './console.js';

interface UpFlags {
  port?: number;
  data?: string;
}

/** `orama up` */
export function addUp(program: Command): void {
  program
    .command('up')
    .description('start the engine on this machine, everything in one process')
    .option('--port <port>', 'port to listen on; 0 takes a free one (PORT, 4000)', wholeNumber(0, 65_535))
    .option('--data <dir>', 'directory of the embedded stores (ORAMA_DATA_DIR, .orama)')
    .action(async (flags: UpFlags, command: Command) => {
      const terminal = terminalOf(command);
      const stop = stopSignal();
      // Only this command needs the engine, which takes ten times as long to load as the rest.
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
              console_url: await consoleUrl(engine),
              data_dir: engine.dataDir,
            })
          : `listening on ${engine.url}\nHTTP functions on ${engine.functionsUrl}`,
      );
      if (!terminal.json) terminal.line(`Console: ${await consoleUrl(engine)}`);
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

/** A link that signs in to the console once; without a sign-in where none could be made. */
async function consoleUrl({ url, adminKey }: { url: string; adminKey: string }): Promise<string> {
  try {
    return await consoleLink(createClient({ url, apiKey: adminKey }));
  } catch {
    return `${url}/console`;
  }
}

/**
 * The first signal stops the engine in good order, also while it starts; a second one, from
 * somebody who will not wait, at once.
 */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  handleStopSignals(() => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
  return stop.signal;
}
