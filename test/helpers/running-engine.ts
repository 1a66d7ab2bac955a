import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api.js';
import { readyLine } from './ready-line.js';
import { endProcess } from './server-process.js';

const CLI = 'dist/app/orama.js';

export interface EngineOptions {
  /** Data directory of an earlier engine, whose state is reused. */
  dataDir?: string;
  /** Settings; those of the machine are not inherited. */
  env?: Record<string, string>;
  /** Command prefix; see `SmallDisk`. */
  enter?: readonly string[];
}

/** `orama up` as a real process on a free port. */
export interface TestEngine {
  url: string;
  /** Base URL of HTTP functions. */
  functionsUrl: string;
  adminKey: string;
  dataDir: string;
  pid: number;
  /** Client with the admin key. */
  api: Api;
  /** Returns stderr so far. */
  log(): string;
  kill9(): Promise<void>;
  /** Sends SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Stops the engine if it is running, and removes the data directory. */
  close(): Promise<void>;
}

export async function startEngine(options: EngineOptions = {}): Promise<TestEngine> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'orama-test-')));
  const child = spawnEngine(dataDir, options.env ?? {}, options.enter);
  const url = await readyLine(child.process, /listening on (http\S+)/, child.log);
  const status = (await (await fetch(`${url}/v1/status`)).json()) as { functions_url: string };
  // Path in the file system of the process.
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

/**
 * Settings of every engine of the tests unless a test sets them. By default, 64 threads are started
 * as soon as a guest waits, which takes 3 s of processor time.
 */
export const FEW_THREADS = { WORKER_PARKED: '4' };

/** Starts the engine without the settings of this machine. */
export function spawnEngine(
  dataDir: string,
  env: Record<string, string>,
  enter: readonly string[] = [],
): Spawned {
  const command = [...enter, process.execPath, CLI, 'up', '--port', '0', '--data', dataDir];
  const child = spawn(command[0] ?? '', command.slice(1), {
    env: { PATH: process.env.PATH, HOME: dataDir, LOG_LEVEL: 'warn', ...FEW_THREADS, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return { process: child, log: () => text };
}
