import { constants } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf } from '../../errors.js';
import { buildFunction, MODULE_FILE } from '../build/build.js';
import { readFileOr } from '../data.js';
import { readManifest } from '../function-directory.js';
import { fetchInvocation } from '../pull/fetch-invocation.js';
import { assertOwnDirectory, PULLED_FILES, type Pulled, readPulled, writePulled } from '../pull/pulled.js';
import { type LocalRun, type PulledEngine, startLocalEngine } from '../pull/run-pulled.js';
import { openSession } from '../session.js';
import type { Terminal } from '../terminal.js';
import { watchSources } from '../watch-sources.js';

interface PullFlags {
  dir?: string;
  source?: string;
  trace?: boolean;
  watch?: boolean;
  run: boolean;
}

/** Adds the command `orama function pull <request-id>`. */
export function addPull(parent: Command): void {
  parent
    .command('pull')
    .description(
      'fetch an invocation (input, module, settings) and run it on this machine under the same limits',
    )
    .argument('<request-id>')
    .option('--dir <directory>', 'target directory (the first 13 characters of the request id)')
    .option('--source <directory>', 'run the function of this directory instead of the original module')
    .option('--trace', 'replay the recorded results of host calls; no external system is reached')
    .option('--watch', 'run it again at every change of --source or of the fetched files')
    .option('--no-run', 'only fetch the invocation')
    .action(async (id: string, flags: PullFlags, command: Command) => {
      const { client, terminal } = openSession(command);
      const directory = flags.dir ?? id.slice(0, 13);
      const { trace } = await keep(directory, id, () => fetchInvocation(client, id, flags.trace === true));
      terminal.progress(
        `Fetched into ${directory}; values of env and secrets are taken from ${directory}/.env`,
      );
      if (!flags.run) {
        printResult(terminal, directory, null);
        return;
      }
      const stopExiting = exitOnSignals();
      const engine = await startLocalEngine(trace, terminal);
      // A signal ends the watch, which closes the engine.
      if (flags.watch === true) stopExiting();
      try {
        if (flags.watch === true) await runAtChanges(engine, directory, flags.source, terminal);
        else await runOnce(engine, directory, flags.source, terminal);
      } finally {
        await engine.close();
      }
    });
}

/**
 * Fetches an invocation and writes it to the directory. An earlier pull of the same invocation is
 * overwritten, except for its `.env`. Throws `conflict` if the directory contains another
 * invocation, or files that are not from a pull.
 */
async function keep(directory: string, id: string, fetch: () => Promise<Pulled>): Promise<Pulled> {
  const fetched = await fetch();
  assertOwnDirectory(directory, id);
  writePulled(directory, fetched);
  return fetched;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Exits when a signal arrives, and so removes the temporary files, which a signal alone does not.
 * Returns a function that restores the default.
 */
function exitOnSignals(): () => void {
  const exit = (signal: (typeof SIGNALS)[number]) => process.exit(128 + constants.signals[signal]);
  for (const signal of SIGNALS) process.once(signal, exit);
  return () => {
    for (const signal of SIGNALS) process.off(signal, exit);
  };
}

async function runOnce(
  engine: PulledEngine,
  directory: string,
  source: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const run = await runLatest(engine, directory, source);
  printResult(terminal, directory, run);
  if (!run.ok) throw new AppError('function_error', run.error ?? 'It failed');
}

async function runAtChanges(
  engine: PulledEngine,
  directory: string,
  source: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      stop.abort();
      // A second signal does not wait for the engine to close.
      exitOnSignals();
    });
  }
  const report = (error: unknown) => terminal.problem(`error: ${messageOf(error)}`);
  const watched = source ?? directory;
  const runAgain = async () => {
    try {
      const run = await runLatest(engine, directory, source);
      printResult(terminal, directory, run);
      if (!run.ok) terminal.problem(`error: ${run.error}`);
    } catch (error) {
      // Keep watching: the next change may fix it.
      report(error);
    }
  };
  const files = source === undefined ? { isWatched: (file: string) => PULLED_FILES.has(file) } : {};
  const watching = watchSources(watched, { signal: stop.signal, report, ...files }, runAgain);
  await watching.settled();
  terminal.progress(`Watching ${watched}; stop with Ctrl-C`);
  await watching.ended;
}

async function runLatest(
  engine: PulledEngine,
  directory: string,
  source: string | undefined,
): Promise<LocalRun> {
  const { settings, wasm, input, values } = await readPulled(directory);
  if (source === undefined) return engine.run({ settings, wasm, input, env: values, secrets: values });
  const manifest = readManifest(source);
  await buildFunction(source, manifest.build);
  const { env } = manifest.settings.metadata;
  return engine.run({
    settings: { ...manifest.settings, name: settings.name },
    wasm: await readFileOr(join(source, MODULE_FILE)),
    input,
    // Values of function.yaml, overridden by .env.
    env: { ...env, ...values },
    secrets: values,
  });
}

function printResult(terminal: Terminal, directory: string, run: LocalRun | null): void {
  if (terminal.json) {
    const outcome = run && { ok: run.ok, error: run.error, output: Buffer.from(run.output).toString() };
    terminal.value({ directory, run: outcome });
    return;
  }
  if (run === null) terminal.line(directory);
  else if (run.ok) {
    terminal.bytes(run.output);
    if (terminal.isTerminal && run.output.at(-1) !== 10) terminal.line('');
  }
}
