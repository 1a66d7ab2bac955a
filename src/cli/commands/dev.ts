import type { Command } from 'commander';
import { deployReplySchema } from '../../contract/http/functions.js';
import { messageOf } from '../../errors.js';
import { deployDirectory } from '../deploy-directory.js';
import { followLogs } from '../follow-logs.js';
import { readManifest } from '../function-directory.js';
import { openSession } from '../session.js';
import { watchSources } from '../watch-sources.js';

/** Adds the command `orama function dev [dir]`. */
export function addDev(parent: Command): void {
  parent
    .command('dev')
    .description('watch a function: build and deploy it at every change, and print its log')
    .argument('[dir]', 'directory with function.yaml', '.')
    .action(async (directory: string, _flags, command: Command) => {
      const { client, terminal } = openSession(command);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      process.once('SIGTERM', () => stop.abort());

      const deploy = async () => {
        try {
          const reply = await deployDirectory(directory, client, terminal, { build: 'always' });
          const { name, version } = deployReplySchema.parse(reply).function;
          terminal.line(`Deployed ${name} version ${version}`);
        } catch (error) {
          // Keep watching: the next change may fix it.
          terminal.problem(`error: ${messageOf(error)}`);
        }
      };

      const { name } = readManifest(directory).settings;
      // Start watching before the first build: files that are saved during the build trigger
      // another one.
      const watching = watchSources(directory, stop.signal, deploy);
      await watching.settled();
      terminal.progress(`Watching ${directory}; stop with Ctrl-C`);
      const path = `/v1/functions/${encodeURIComponent(name)}/logs`;
      await followLogs({ client, terminal, path, query: {}, seen: [], signal: stop.signal });
      await watching.ended;
    });
}
