import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { endProcess, launch } from './server-process.js';

/** A redis-server of the test's own, on a free loopback port, that loses nothing it has acknowledged. */
export interface RedisServerProcess {
  readonly url: string;
  readonly port: number;
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
  const start = () => launchRedis(port, dir, extraArgs);
  let server = await start().catch(async (error) => {
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    kill: () => endProcess(server),
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    restart: async () => {
      await endProcess(server);
      server = await start();
    },
    close: async () => {
      await endProcess(server);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function launchRedis(port: number, dir: string, extraArgs: readonly string[]) {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, ...durable, ...extraArgs];
  return launch('redis-server', args, {}, async (_server, signal) => {
    const probe = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: null });
    probe.on('error', () => {});
    signal.addEventListener('abort', () => probe.disconnect());
    await probe.ping();
  });
}
