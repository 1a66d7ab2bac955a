import { Redis } from 'ioredis';
import { type RedisServerProcess, startRedis } from './redis-server.js';
import { until } from './until.js';

/** A Redis Cluster of one node that has all the slots: it refuses what a larger one would, keys in several slots. */
export async function startCluster(): Promise<RedisServerProcess> {
  const server = await startRedis([
    '--cluster-enabled',
    'yes',
    '--cluster-announce-ip',
    '127.0.0.1',
    '--appendonly',
    'no',
  ]);
  const redis = new Redis(server.url);
  try {
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await until('the cluster is up', async () => {
      return String(await redis.call('CLUSTER', 'INFO')).includes('cluster_state:ok');
    });
    return server;
  } catch (error) {
    await server.close();
    throw error;
  } finally {
    redis.disconnect();
  }
}
