import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from './api.js';
import { readyLine } from './ready-line.js';
import { type RedisAccess, type RedisServerProcess, startRedis } from './redis-server.js';
import { FEW_THREADS } from './running-engine.js';
import { endProcess, isRunning } from './server-process.js';
import type { SmallDisk } from './small-disk.js';

const ADMIN_KEY = 'ak_cluster-of-the-tests:default';
const MAINS = {
  web: ['dist/app/main.js', 'web'],
  worker: ['dist/app/worker.js'],
} as const;
export const READY = { web: /listening on (http\S+)/, worker: /taking (jobs)/ };

/** A process of the Procfile. */
export interface ClusterProcess {
  readonly pid: number;
  /** Returns stderr so far. */
  log(): string;
  kill9(): Promise<void>;
  /** Sends SIGTERM. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Resolves with the exit code when the process has ended by itself. */
  ended(): Promise<number | null>;
  freeze(): void;
  thaw(): void;
}

export interface WebProcess extends ClusterProcess {
  /** Client with the admin key. */
  readonly api: Api;
}

/** Web and worker processes with one Redis and one data directory, as started by the Procfile. */
export interface Cluster {
  readonly redis: RedisServerProcess;
  readonly dataDir: string;
  /** Settings of all processes. */
  readonly settings: Settings;
  web(settings?: RoleSettings): Promise<WebProcess>;
  worker(settings?: RoleSettings): Promise<ClusterProcess>;
  /** Kills running processes and removes the data. */
  close(): Promise<void>;
}

export type Settings = Readonly<Record<string, string>>;

/**
 * `maxFileBlocks` limits the size of files in blocks of 512 bytes, which simulates a full disk for
 * the process.
 */
export type RoleSettings = Settings & { maxFileBlocks?: string };

export interface ClusterOptions {
  /** Location of the data directory; default: the machine's disk. */
  disk?: SmallDisk;
  /** Location of Redis' files, and further arguments. */
  redisDisk?: SmallDisk;
  redisArgs?: readonly string[];
}

export async function startCluster(
  shared: Settings = {},
  access: RedisAccess = {},
  { disk, redisDisk, redisArgs = [] }: ClusterOptions = {},
): Promise<Cluster> {
  const redis = await startRedis(redisArgs, access, redisDisk);
  const dataDir = disk?.dir ?? (await mkdtemp(join(tmpdir(), 'orama-cluster-')));
  const children: ChildProcess[] = [];
  const base = {
    HOME: dataDir,
    LOG_LEVEL: 'warn',
    PORT: '0',
    ORAMA_DATA_DIR: dataDir,
    ...FEW_THREADS,
    ORAMA_ADMIN_KEY: ADMIN_KEY,
    REDIS_URL: redis.url,
    ...shared,
  };
  const start = async (role: keyof typeof MAINS, settings: RoleSettings) => {
    const started = spawnRole(role, { ...base, ...settings }, disk?.enter);
    children.push(started.child);
    return { ...started, ready: await readyLine(started.child, READY[role], started.process.log) };
  };
  return {
    redis,
    dataDir,
    settings: base,
    async web(settings = {}) {
      const { process, ready } = await start('web', settings);
      return { ...process, api: new Api(ready, ADMIN_KEY) };
    },
    async worker(settings = {}) {
      return (await start('worker', settings)).process;
    },
    async close() {
      await Promise.all(children.map((child) => end(child, 'SIGKILL')));
      await redis.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Starts a process with only these settings and none of the machine's. It may exit immediately. */
export function spawnRole(
  role: keyof typeof MAINS,
  { maxFileBlocks, ...settings }: RoleSettings,
  enter: readonly string[] = [],
) {
  const limit = maxFileBlocks === undefined ? '' : `ulimit -f ${maxFileBlocks};`;
  const command = [...enter, '/bin/sh', '-c', `${limit} exec "$0" "$@"`, process.execPath, ...MAINS[role]];
  const child = spawn(command[0] ?? '', command.slice(1), {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const handle: ClusterProcess = {
    pid: child.pid ?? 0,
    log: () => text,
    kill9: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
    ended: async () => {
      if (isRunning(child)) await once(child, 'exit');
      return child.exitCode;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
  return { child, process: handle };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  await endProcess(child, signal);
  return child.exitCode;
}
