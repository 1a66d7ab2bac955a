import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { endProcess, launch } from './server-process.js';

export interface KuboServer {
  readonly url: string;
  /** Kills the daemon immediately, as in a crash. */
  kill(): Promise<void>;
  /** Restarts the daemon with the same port and repository. */
  restart(): Promise<void>;
  /** Removes unpinned blocks. */
  collectGarbage(): Promise<void>;
  close(): Promise<void>;
}

/** Starts an isolated Kubo daemon: loopback addresses only, no bootstrap, routing or discovery. */
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
  const remove = () => rm(repo, { recursive: true, force: true });
  try {
    await ipfs('init', '--profile=test');
    await ipfs('config', 'Routing.Type', 'none');
    await ipfs('config', '--json', 'Addresses.Swarm', '[]');
    const noNetwork = '{"QUIC":false,"WebTransport":false,"WebRTCDirect":false}';
    await ipfs('config', '--json', 'Swarm.Transports.Network', noNetwork);
    let { daemon, port } = await launchKubo(program, env);
    // Stored in the configuration, so that a restart uses the same port.
    await ipfs('config', 'Addresses.API', `/ip4/127.0.0.1/tcp/${port}`).catch(async (error) => {
      await endProcess(daemon);
      throw error;
    });
    return {
      url: `http://127.0.0.1:${port}`,
      kill: () => endProcess(daemon),
      restart: async () => {
        await endProcess(daemon);
        ({ daemon, port } = await launchKubo(program, env));
      },
      collectGarbage: () => ipfs('repo', 'gc', '--silent'),
      close: async () => {
        await endProcess(daemon);
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function launchKubo(
  program: string,
  env: NodeJS.ProcessEnv,
): Promise<{ daemon: ChildProcess; port: number }> {
  let port = 0;
  const daemon = await launch(program, ['daemon', '--migrate=false'], { env }, async ({ stdout }) => {
    if (stdout === null) throw new Error('the daemon has no stdout');
    for await (const line of createInterface({ input: stdout })) {
      const listening = /RPC API server listening on \/ip4\/127\.0\.0\.1\/tcp\/(\d+)/.exec(line);
      if (listening !== null) port = Number(listening[1]);
      if (line.includes('Daemon is ready')) return;
    }
    throw new Error('the daemon closed its stdout');
  });
  // The line reader has paused the stream; a full pipe would block the daemon.
  daemon.stdout?.resume();
  return { daemon, port };
}
