import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { engineNotes } from '../config.js';
import { rememberEngine } from '../local-engines.js';
import { runProject } from '../project/dev.js';
import { devStage, findProject, needsProject } from '../project/project.js';
import { terminalOf } from '../session.js';
import { wholeNumber } from '../values.js';

interface DevFlags {
  port?: number;
  data?: string;
  stage?: string;
}

/** Adds the command `orama dev`. */
export function addDevProject(program: Command): void {
  program
    .command('dev')
    .description(
      'run the functions of the project (orama.yaml) on a local engine with triggers, schedules and HTTP routes; redeploys them at every change',
    )
    .option('--port <port>', 'port to listen on; 0 selects a free port (PORT, 4000)', wholeNumber(0, 65_535))
    .option('--data <dir>', 'directory of the embedded stores (.orama beside orama.yaml)')
    .option('--stage <name>', 'stage for env and secrets_file (default: dev, if orama.yaml has it)')
    .action(async (flags: DevFlags, command: Command) => {
      const root = findProject(process.cwd());
      if (root === undefined) {
        command.error(
          needsProject('orama dev', 'run one function on the current engine with "orama function dev <dir>"'),
        );
      }
      const stage = flags.stage ?? devStage(root);
      const terminal = terminalOf(command);
      const stop = new AbortController();
      const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      void stopped.then(() => stop.abort());

      const { startAllInOne } = await import('../../up.js');
      const engine = await startAllInOne({
        ...(flags.port === undefined ? {} : { port: flags.port }),
        dataDir: flags.data ?? join(root, '.orama'),
      });
      const forget = rememberEngine(engineNotes(), engine.url, engine.dataDir);
      try {
        terminal.line(`listening on ${engine.url}\nHTTP functions on ${engine.functionsUrl}`);
        await runProject(root, { engine, stage }, terminal, stop.signal);
      } finally {
        forget();
        await engine.close();
      }
    });
}
