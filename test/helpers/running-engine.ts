import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Api } from './api.js';

const CLI = 'dist/src/cli/main.js';

export interface EngineOptions {
  /** Started again on the same directory, an engine finds what an earlier one left. */
  dataDir?: string;
  /** Settings, on top of none of the machine's own. */
  env?: Record<string, string>;
}

/** `orama up` as a real process on a free port. */
export interface TestEngine {
  url: string;
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
  const child = spawnEngine(dataDir, options.env ?? {});
  const url = await listening(child);
  const adminKey = (await readFile(join(dataDir, 'admin-key'), 'utf8')).trim();

  const stop = async () => {
    if (child.process.exitCode === null && child.process.signalCode === null) {
      child.process.kill('SIGTERM');
      await once(child.process, 'exit');
    }
    return child.process.exitCode;
  };
  return {
    url,
    adminKey,
    dataDir,
    pid: child.process.pid ?? 0,
    api: new Api(url, adminKey),
    log: child.log,
    async kill9() {
      child.process.kill('SIGKILL');
      await once(child.process, 'exit');
    },
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
export function spawnEngine(dataDir: string, env: Record<string, string>): Spawned {
  const child = spawn(process.execPath, [CLI, 'up', '--port', '0', '--data', dataDir], {
    env: { PATH: process.env.PATH, HOME: dataDir, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return { process: child, log: () => text };
}

async function listening({ process: child, log }: Spawned): Promise<string> {
  if (!child.stdout) throw new Error('the engine has no stdout');
  const lines = createInterface({ input: child.stdout });
  const found = new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const url = /listening on (http\S+)/.exec(line)?.[1];
      if (url) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the engine ended with ${code}: ${log()}`)));
  });
  return found;
}
