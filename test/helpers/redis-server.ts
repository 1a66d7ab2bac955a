import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Certificate } from './certificate.js';
import { freePort } from './free-port.js';
import { launch, startRestartable } from './server-process.js';
import type { SmallDisk } from './small-disk.js';

/** A redis-server on a free loopback port, with fsync on every write. */
export interface RedisServerProcess {
  readonly url: string;
  readonly port: number;
  /** Directory of the append-only file, which contains every write. */
  readonly directory: string;
  /** Kills the server immediately, as in a crash. */
  kill(): Promise<void>;
  /** Suspends the server: connections stay open, but it does not respond. */
  freeze(): void;
  thaw(): void;
  /** Restarts the server with the same port and data after `kill`. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Access control of a server; default: none. */
export interface RedisAccess {
  /** The only user; the default user is disabled. */
  user?: { name: string; password: string };
  certificate?: Certificate;
}

export async function startRedis(
  extraArgs: readonly string[] = [],
  access: RedisAccess = {},
  disk?: SmallDisk,
): Promise<RedisServerProcess> {
  const dir = disk?.dir ?? (await mkdtemp(join(tmpdir(), 'orama-redis-')));
  const port = await freePort();
  const start = () => launchRedis(port, dir, extraArgs, { ...access, enter: disk?.enter ?? [] });
  return {
    url: urlOf(port, access),
    port,
    directory: dir,
    ...(await startRestartable(dir, start)),
  };
}

async function launchRedis(
  port: number,
  dir: string,
  extraArgs: readonly string[],
  { user, certificate, enter }: RedisAccess & { enter: readonly string[] },
) {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const listen = certificate
    ? [
        ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
        ...['--tls-cert-file', certificate.certificate, '--tls-key-file', certificate.key],
        ...['--tls-ca-cert-file', certificate.authority],
      ]
    : ['--port', String(port)];
  const users = user
    ? ['--user', user.name, 'on', `>${user.password}`, '~*', '&*', '+@all', '--user', 'default', 'off']
    : [];
  const options = {
    ...(user ? { username: user.name, password: user.password } : {}),
    ...(certificate ? { tls: { ca: await readFile(certificate.authority) } } : {}),
    retryStrategy: () => 20,
    maxRetriesPerRequest: null,
  };
  const args = [...listen, '--bind', '127.0.0.1', '--dir', dir, ...durable, ...users, ...extraArgs];
  const [program = '', ...rest] = [...enter, 'redis-server', ...args];
  return launch(program, rest, {}, async (_server, signal) => {
    const probe = new Redis(port, '127.0.0.1', options);
    probe.on('error', () => {});
    signal.addEventListener('abort', () => probe.disconnect());
    await probe.ping();
  });
}

function urlOf(port: number, { user, certificate }: RedisAccess): string {
  const who = user ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@` : '';
  return `${certificate ? 'rediss' : 'redis'}://${who}127.0.0.1:${port}/0`;
}
