import type { ChildProcess } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { launch, startRestartable } from './server-process.js';
import { succeeds } from './succeeds.js';

export interface OlricServer {
  readonly url: string;
  /** Port at which other members join the cluster. */
  readonly gossipPort: number;
  /** Kills the server immediately, as in a crash; its data is lost. */
  kill(): Promise<void>;
  /** Suspends the server: connections stay open, but it does not respond. */
  freeze(): void;
  thaw(): void;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface OlricSettings {
  /** Size of a table in bytes, which limits the size of an entry. */
  tableSize?: number;
  password?: string;
  /** A member whose cluster this server joins. */
  join?: OlricServer;
}

/** Starts an Olric server on free loopback ports. */
export async function startOlric(program: string, settings: OlricSettings = {}): Promise<OlricServer> {
  const dir = await mkdtemp(join(tmpdir(), 'orama-olric-'));
  const [port, gossipPort] = [await freePort(), await freePort()];
  const config = join(dir, 'olric.yaml');
  await writeFile(config, yaml(port, gossipPort, settings));
  const start = () => launchOlric(program, config, port, settings.password);
  return {
    url: `redis://127.0.0.1:${port}`,
    gossipPort,
    ...(await startRestartable(dir, start)),
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

function launchOlric(program: string, config: string, port: number, password = ''): Promise<ChildProcess> {
  return launch(program, ['-c', config], {}, async (_server, signal) => {
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
    signal.addEventListener('abort', () => probe.disconnect());
    // The server listens before its cluster has formed, and refuses commands until then.
    while (!signal.aborted && !(await isTaken(probe))) await sleep(20);
  });
}

function isTaken(probe: Redis): Promise<boolean> {
  return succeeds(probe.call('DM.PUT', 'probe', 'probe', '1'));
}
