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

/** Runs the command of a unit of the type oneshot. Resolves with its exit code. */
export async function runOneshot(text: string, place: UnitPlace): Promise<number | null> {
  const unit = parse(text, '', place.runtimeDir);
  if (unit.one('Type') !== 'oneshot') throw new Error('the unit is not of the type oneshot');
  const [program = '', ...args] = words(unit.one('ExecStart')).map((word) => placed(word, place));
  const child = spawn(program, args, { env: environmentOf(unit, place), stdio: 'ignore' });
  await once(child, 'exit');
  return child.exitCode;
}

/**
 * Emulates systemd: executes the lines of a service unit, and throws for a line that it does not
 * support.
 */
export async function startUnit(text: string, instance: string, place: UnitPlace): Promise<UnitInstance> {
  const unit = parse(text, instance, place.runtimeDir);
  const runtime = join(place.runtimeDir, unit.one('RuntimeDirectory'));
  const env = environmentOf(unit, place);
  const here = (word: string) => placed(word, place);
  const exits: (number | null)[] = [];
  let main: ChildProcess;
  let stopping = false;
  let starting = false;

  const start = async (): Promise<void> => {
    await mkdir(runtime, { recursive: true });
    const [program = '', ...args] = words(unit.one('ExecStart')).map(here);
    starting = true;
    main = spawn(program, args, { env, stdio: 'ignore' });
    const control = { ...env, MAINPID: String(main.pid) };
    main.once('exit', (code) => {
      exits.push(code);
      // systemd waits for RestartSec, by default 100 ms; also for a running ExecStartPost, whose
      // failure is that of the start.
      if (!stopping && !starting && unit.one('Restart') === 'always')
        setTimeout(() => void start(), FIRST_MS);
    });
    const timeout = Number(unit.one('TimeoutStartSec')) * 1000;
    for (const command of unit.all('ExecStartPost')) {
      const [shell = '', ...rest] = words(command);
      await promisify(execFile)(shell, rest, { env: control, timeout });
    }
    starting = false;
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
  ...['TimeoutStartSec', 'TimeoutStopSec', 'Restart', 'Type'],
]);
/** Lines about the order of units, who runs them, and what the process may do. */
const NOT_RUN = new Set([
  ...[
    'Description',
    'StartLimitIntervalSec',
    'After',
    'Wants',
    'PartOf',
    'WantedBy',
    'DefaultInstance',
    'User',
    'Group',
  ],
  ...['StateDirectory', 'RestartSec', 'LimitNOFILE', 'UMask', 'NoNewPrivileges', 'LockPersonality'],
  ...['CapabilityBoundingSet', 'SystemCallArchitectures', 'SystemCallFilter'],
]);
const CONFINES = /^(Protect|Private|Restrict)[A-Z]/;

type Unit = ReturnType<typeof parse>;

/** systemd passes on none of its own environment but PATH. */
function environmentOf(unit: Unit, place: UnitPlace): NodeJS.ProcessEnv {
  const assignments = unit
    .all('Environment')
    .flatMap(words)
    .map((assignment) => assignment.split(/=(.*)/s).slice(0, 2));
  return { PATH: process.env.PATH, ...place.settings, ...Object.fromEntries(assignments) };
}

function placed(word: string, { paths }: UnitPlace): string {
  return paths.reduce(
    (path, [from, to]) => (path.startsWith(from) ? to + path.slice(from.length) : path),
    word,
  );
}

function parse(text: string, instance: string, runtimeDir: string) {
  const lines = text.split('\n').flatMap((line) => {
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (key === '' || NOT_RUN.has(key) || (CONFINES.test(key) && key !== 'Restart')) return [];
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
