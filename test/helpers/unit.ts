import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endProcess, isRunning } from './server-process.js';

const FIRST_MS = 100;

/** Maps the paths of a unit to those of a test. */
export interface UnitPlace {
  /** Content of `EnvironmentFile`. */
  settings: Readonly<Record<string, string>>;
  /** Value of `%t`. */
  runtimeDir: string;
  /** Replacements for the first words of commands in the unit. */
  paths: readonly (readonly [from: string, to: string])[];
}

/** An instance of a unit, run as described by systemd.service(5) and systemd.exec(5). */
export interface UnitInstance {
  readonly pid: number;
  /** Resolves when the process has ended and been restarted, and `ExecStartPost` has completed. */
  restart(): Promise<void>;
  /** Exit codes of its processes. */
  readonly exits: readonly (number | null)[];
  stop(): Promise<void>;
}

/**
 * Emulates systemd: executes the lines of a service unit, and throws for a line that it does not
 * support.
 */
export async function startUnit(text: string, instance: string, place: UnitPlace): Promise<UnitInstance> {
  const unit = parse(text, instance, place.runtimeDir);
  const runtime = join(place.runtimeDir, unit.one('RuntimeDirectory'));
  const env = {
    PATH: process.env.PATH,
    ...place.settings,
    ...Object.fromEntries(unit.all('Environment').map((line) => line.split(/=(.*)/s).slice(0, 2))),
  };
  const here = (word: string) =>
    place.paths.reduce(
      (path, [from, to]) => (path.startsWith(from) ? to + path.slice(from.length) : path),
      word,
    );
  const exits: (number | null)[] = [];
  let main: ChildProcess;
  let stopping = false;

  const start = async (): Promise<void> => {
    await mkdir(runtime, { recursive: true });
    const [program = '', ...args] = words(unit.one('ExecStart')).map(here);
    main = spawn(program, args, { env, stdio: 'ignore' });
    main.once('exit', (code) => {
      exits.push(code);
      // systemd waits for RestartSec, by default 100 ms.
      if (!stopping && unit.one('Restart') === 'always') setTimeout(() => void start(), FIRST_MS);
    });
    const timeout = Number(unit.one('TimeoutStartSec')) * 1000;
    for (const command of unit.all('ExecStartPost')) {
      const [shell = '', ...rest] = words(command);
      await promisify(execFile)(shell, rest, { env, timeout });
    }
  };
  const end = async (): Promise<void> => {
    stopping = true;
    const exited = isRunning(main) ? once(main, 'exit') : Promise.resolve();
    main.kill(unit.one('KillSignal') as NodeJS.Signals);
    const late = setTimeout(() => main.kill('SIGKILL'), Number(unit.one('TimeoutStopSec')) * 1000);
    await exited;
    clearTimeout(late);
    await rm(runtime, { recursive: true, force: true });
  };

  await start();
  return {
    exits,
    get pid() {
      return main.pid ?? 0;
    },
    async restart() {
      await end();
      stopping = false;
      await start();
    },
    async stop() {
      stopping = true;
      await endProcess(main);
    },
  };
}

const KNOWN = new Set([
  ...['EnvironmentFile', 'Environment', 'RuntimeDirectory', 'ExecStart', 'ExecStartPost', 'KillSignal'],
  ...['TimeoutStartSec', 'TimeoutStopSec', 'Restart'],
]);

function parse(text: string, instance: string, runtimeDir: string) {
  const lines = text.split('\n').flatMap((line) => {
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key === '') return [];
    if (!KNOWN.has(key)) throw new Error(`the unit has an unsupported line: ${line}`);
    return [{ key, value: value.replaceAll('%i', instance).replaceAll('%t', runtimeDir) }];
  });
  const all = (key: string) => lines.filter((line) => line.key === key).map(({ value }) => value);
  const one = (key: string) => {
    const [value, more] = all(key);
    if (value === undefined || more !== undefined) throw new Error(`the unit has no single ${key}`);
    return value;
  };
  return { all, one };
}

/** Splits a command into words; single-quoted text is one word. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}
