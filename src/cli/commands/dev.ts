import { watch } from 'node:fs';
import type { Command } from 'commander';
import { deployReplySchema } from '../../contract/http/functions.js';
import { messageOf } from '../../errors.js';
import { deployDirectory } from '../deploy-directory.js';
import { followLogs } from '../follow-logs.js';
import { isSource, readManifest } from '../function-directory.js';
import { openSession } from '../session.js';

/** Editors write a file in several steps; one build is enough for them all. */
const SETTLE_MS = 200;

/** `orama function dev [dir]` */
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
          // The next change may cure it.
          terminal.problem(`error: ${messageOf(error)}`);
        }
      };

      const { name } = readManifest(directory).settings;
      // Watched before the first build: what is saved while it runs is built after it.
      const watching = watchSources(directory, stop.signal, deploy);
      await watching.settled();
      terminal.progress(`Watching ${directory}; stop with Ctrl-C`);
      const path = `/v1/functions/${encodeURIComponent(name)}/logs`;
      await followLogs({ client, terminal, path, query: {}, seen: [], signal: stop.signal });
      await watching.ended;
    });
}

interface Watching {
  /** The calls that are due so far are over. */
  settled(): Promise<void>;
  ended: Promise<void>;
}

/** Calls back at once and then once per burst of changes, one call at a time, until stopped. */
function watchSources(directory: string, signal: AbortSignal, changed: () => Promise<void>): Watching {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(directory, { recursive: true }, (_event, file) => {
    if (file === null || !isSource(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(changed);
    }, SETTLE_MS);
  });
  let running = changed();
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      watcher.close();
      running.then(resolve);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  return { settled: () => running, ended };
}
