import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { type RedisServerProcess, startRedis } from './redis-server.js';
import { until } from './until.js';

export interface RedisCluster {
  /** URL of one of the nodes, from which the others are discovered. */
  readonly url: string;
  readonly urls: readonly string[];
  /** Deletes all keys on all nodes. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const NODES = 3;

/**
 * Starts a Redis Cluster of three masters: most keys are on other nodes than the one in the URL.
 */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: RedisServerProcess[] = [];
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()));
  };
  try {
    for (let n = 0; n < NODES; n += 1) {
      // By default Redis uses the port number plus 10,000, which may not be free.
      const busPort = String(await freePort());
      nodes.push(
        await startRedis([
          ...['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-port', busPort],
          ...['--appendonly', 'no'],
        ]),
      );
    }
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    await promisify(execFile)('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
    for (const { url } of nodes) await until('the node knows all others', () => isWhole(url));
  } catch (error) {
    await close();
    throw error;
  }
  const urls = nodes.map(({ url }) => url);
  return {
    url: urls[0] ?? '',
    urls,
    async flush() {
      for (const url of urls) {
        const redis = new Redis(url);
        await redis.flushall();
        redis.disconnect();
      }
    },
    close,
  };
}

async function isWhole(url: string): Promise<boolean> {
  const redis = new Redis(url);
  try {
    const info = String(await redis.cluster('INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${NODES}`);
  } finally {
    redis.disconnect();
  }
}
