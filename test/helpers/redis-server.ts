import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A redis-server of the test's own, on a free loopback port, that loses nothing it has acknowledged. */
export interface RedisServerProcess {
  readonly url: string;
  readonly port: number;
  /** Where its append-only file is: every write there ever was. */
  readonly directory: string;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Stops it where it is: connections stay open, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and data after `kill`. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startRedis(extraArgs: readonly string[] = []): Promise<RedisServerProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'orama-redis-'));
  const port = await freePort();
  let process = await launch(port, dir, extraArgs);
  const end = async (): Promise<void> => {
    if (process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    directory: dir,
    kill: end,
    freeze: () => void process.kill('SIGSTOP'),
    thaw: () => void process.kill('SIGCONT'),
    restart: async () => {
      await end();
      process = await launch(port, dir, extraArgs);
    },
    close: async () => {
      await end();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, dir: string, extraArgs: readonly string[]): Promise<ChildProcess> {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const process = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...durable, ...extraArgs],
    { stdio: 'ignore' },
  );
  const probe = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
  probe.on('error', () => {});
  await probe.ping();
  probe.disconnect();
  return process;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
