import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api.js';
import { readyLine } from './ready-line.js';
import { endProcess } from './server-process.js';

const CLI = 'dist/app/orama.js';

export interface EngineOptions {
  /** Started again on the same directory, an engine finds what an earlier one left. */
  dataDir?: string;
  /** Settings, on top of none of the machine's own. */
  env?: Record<string, string>;
  /** What the command is started with: see `SmallDisk`. */
  enter?: readonly string[];
}

/** `orama up` as a real process on a free port. */
export interface TestEngine {
  url: string;
  /** Where HTTP functions are served. */
  functionsUrl: string;
  adminKey: string;
  dataDir: string;
  pid: number;
  /** With the admin key. */
  api: Api;
  /** What the process wrote on stderr so far. */
  log(): string;
  kill9(): Promise<void>;
  /** SIGTERM; returns the exit code. */
  stop(): Promise<number | null>;
  /** Stops it if it runs, and removes the data directory. */
  close(): Promise<void>;
}

export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'orama-test-')));
  const child = spawnEngine(dataDir, options.env ?? {}, options.enter);
  const url = await readyLine(child.process, /listening on (http\S+)/, child.log);
  const status = (await (await fetch(`${url}/v1/status`)).json()) as { functions_url: string };
  // In the file system that the process sees.
  const keyFile = join(`/proc/${child.process.pid}/root`, dataDir, 'admin-key');
  const adminKey = (await readFile(keyFile, 'utf8')).trim();

  const stop = async () => {
    await endProcess(child.process, 'SIGTERM');
    return child.process.exitCode;
  };
  return {
    url,
    functionsUrl: status.functions_url,
    adminKey,
    dataDir,
    pid: child.process.pid ?? 0,
    api: new Api(url, adminKey),
    log: child.log,
    kill9: () => endProcess(child.process),
    stop,
    async close() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface Spawned {
  process: ChildProcess;
  log(): string;
}

/** Nothing of the machine's own settings reaches the engine under test. */
export function spawnEngine(
  dataDir: string,
  env: Record<string, string>,
  enter: readonly string[] = [],
): Spawned {
  const command = [...enter, process.execPath, CLI, 'up', '--port', '0', '--data', dataDir];
  const child = spawn(command[0] ?? '', command.slice(1), {
    env: { PATH: process.env.PATH, HOME: dataDir, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return { process: child, log: () => text };
}
