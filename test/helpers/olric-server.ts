import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';

export interface OlricServer {
  readonly url: string;
  /** Where others join its cluster. */
  readonly gossipPort: number;
  /** Ends it at once, as a crash would; what it held is gone with it. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface OlricSettings {
  /** Bytes of a table, which no entry can exceed. */
  tableSize?: number;
  password?: string;
  /** Another member whose cluster this one joins. */
  join?: OlricServer;
}

/** An Olric server of the test's own on free loopback ports. */
export async function startOlric(program: string, settings: OlricSettings = {}): Promise<OlricServer> {
  const dir = await mkdtemp(join(tmpdir(), 'orama-olric-'));
  const [port, gossipPort] = [await freePort(), await freePort()];
  const config = join(dir, 'olric.yaml');
  await writeFile(config, yaml(port, gossipPort, settings));
  let server = await launch(program, config, port, settings.password);
  const end = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    gossipPort,
    kill: end,
    restart: async () => {
      await end();
      server = await launch(program, config, port, settings.password);
    },
    close: async () => {
      await end();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function yaml(
  port: number,
  gossipPort: number,
  { tableSize = 524_288, password, join: other }: OlricSettings,
): string {
  return `
server:
  bindAddr: 127.0.0.1
  bindPort: ${port}
  keepAlivePeriod: 300s
  bootstrapTimeout: 5s
  partitionCount: 23
  replicaCount: 1
  writeQuorum: 1
  readQuorum: 1
  readRepair: false
  replicationMode: 0
  memberCountQuorum: 1
  routingTablePushInterval: 1m
  enableClusterEventsChannel: false
${password === undefined ? '' : `authentication:\n  password: "${password}"`}
client:
  dialTimeout: 5s
  readTimeout: 3s
  writeTimeout: 3s
logging:
  verbosity: 1
  level: WARN
  output: stderr
memberlist:
  environment: local
  bindAddr: 127.0.0.1
  bindPort: ${gossipPort}
  advertiseAddr: 127.0.0.1
  advertisePort: ${gossipPort}
  enableCompression: false
  joinRetryInterval: 1ms
  maxJoinAttempts: 1
${other === undefined ? '' : `  peers:\n    - "127.0.0.1:${other.gossipPort}"`}
dmaps:
  engine:
    name: ramblock
    config:
      tableSize: ${tableSize}
`;
}

async function launch(program: string, config: string, port: number, password = ''): Promise<ChildProcess> {
  const server = spawn(program, ['-c', config], { stdio: 'ignore' });
  const probe = new Redis({
    port,
    host: '127.0.0.1',
    password,
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
  });
  probe.on('error', () => {});
  await probe.call('DM.PUT', 'probe', 'probe', '1');
  probe.disconnect();
  return server;
}
