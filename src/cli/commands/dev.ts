import type { Command } from 'commander';
import { deployReplySchema } from '../../contract/http/functions.js';
import { messageOf } from '../../errors.js';
import { deployDirectory } from '../deploy-directory.js';
import { logFollower } from '../follow-logs.js';
import { readManifest } from '../function-directory.js';
import { warnOfLiveAliases } from '../live-alias.js';
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

      const report = (error: unknown) => terminal.problem(`error: ${messageOf(error)}`);
      const follow = logFollower({ client, terminal, signal: stop.signal });

      const deploy = async () => {
        try {
          const reply = await deployDirectory(directory, client, terminal);
          const { name, version, updated_at } = deployReplySchema.parse(reply).function;
          terminal.line(`Deployed ${name} version ${version}`);
          await warnOfLiveAliases(new Map([[name, version]]), client, terminal);
          follow(name, updated_at);
        } catch (error) {
          // Keep watching: the next change may fix it.
          report(error);
        }
      };

      // A directory without a valid function.yaml is more likely a mistake than one to wait for.
      readManifest(directory);
      // Start watching before the first build: files that are saved during the build trigger
      // another one.
      const watching = watchSources(directory, { signal: stop.signal, report }, deploy);
      await watching.settled();
      terminal.progress(`Watching ${directory}; stop with Ctrl-C`);
      await watching.ended;
    });
}
