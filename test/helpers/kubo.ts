import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

export interface KuboServer {
  readonly url: string;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and repository. */
  restart(): Promise<void>;
  /** Removes what is not pinned. */
  collectGarbage(): Promise<void>;
  close(): Promise<void>;
}

/** A Kubo daemon of the test's own that talks to nobody: loopback addresses only, no bootstrap, no routing, no discovery. */
export async function startKubo(program: string): Promise<KuboServer> {
  const repo = await mkdtemp(join(tmpdir(), 'orama-kubo-'));
  const env = {
    ...process.env,
    IPFS_PATH: join(repo, 'repo'),
    IPFS_TELEMETRY: 'off',
    LIBP2P_FORCE_PNET: '',
  };
  const ipfs = async (...args: string[]) => {
    await promisify(execFile)(program, args, { env });
  };
  await ipfs('init', '--profile=test');
  await ipfs('config', 'Routing.Type', 'none');
  await ipfs('config', '--json', 'Addresses.Swarm', '[]');
  await ipfs(
    'config',
    '--json',
    'Swarm.Transports.Network',
    '{"QUIC":false,"WebTransport":false,"WebRTCDirect":false}',
  );
  let { daemon, port } = await launch(program, env);
  await ipfs('config', 'Addresses.API', `/ip4/127.0.0.1/tcp/${port}`);
  const end = async () => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await exited;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    kill: end,
    restart: async () => {
      await end();
      ({ daemon, port } = await launch(program, env));
    },
    collectGarbage: () => ipfs('repo', 'gc', '--silent'),
    close: async () => {
      await end();
      await rm(repo, { recursive: true, force: true });
    },
  };
}

async function launch(
  program: string,
  env: NodeJS.ProcessEnv,
): Promise<{ daemon: ChildProcess; port: number }> {
  const daemon = spawn(program, ['daemon', '--migrate=false'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let port = 0;
  for await (const line of createInterface({ input: daemon.stdout })) {
    const listening = /RPC API server listening on \/ip4\/127\.0\.0\.1\/tcp\/(\d+)/.exec(line);
    if (listening !== null) port = Number(listening[1]);
    if (line.includes('Daemon is ready')) {
      // Read on, or a full pipe would stop the daemon.
      daemon.stdout.resume();
      return { daemon, port };
    }
  }
  throw new Error('the Kubo daemon ended before it was ready');
}
