import { once } from 'node:events';
import type { Command } from 'commander';
import { engineNotes } from '../config.js';
import { rememberEngine } from '../local-engines.js';
import { terminalOf } from '../session.js';
import { wholeNumber } from '../values.js';

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
      // Only this command needs the engine, which takes ten times as long to load as the rest.
      const { startAllInOne } = await import('../../up.js');
      const engine = await startAllInOne({
        ...(flags.port === undefined ? {} : { port: flags.port }),
        ...(flags.data === undefined ? {} : { dataDir: flags.data }),
      });
      // Before it says that it listens: whoever reads that may stop it at once.
      const stopped = stopSignal();
      const forget = rememberEngine(engineNotes(), engine.url, engine.dataDir);
      terminal.line(
        terminal.json
          ? JSON.stringify({ url: engine.url, functions_url: engine.functionsUrl, data_dir: engine.dataDir })
          : `listening on ${engine.url}\nHTTP functions on ${engine.functionsUrl}`,
      );
      terminal.progress(`Data in ${engine.dataDir}; stop with Ctrl-C`);
      try {
        await stopped;
        terminal.progress('Stopping…');
      } finally {
        forget();
        await engine.close();
      }
    });
}

/** The first signal stops the engine in good order; a second one, from somebody who will not wait, at once. */
async function stopSignal(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
}
