import { closeRedis } from '../../src/redis/connection.js';
import { RedisServer } from '../../src/redis/server.js';
import { type BullQueuesOptions, openBullQueues, type Queues } from '../bull-queues.js';
import { RedisBacklog } from './redis/backlog.js';
import { RedisDriver } from './redis/driver.js';
import { RedisLeases } from './redis/leases.js';
import { checkServerSettings } from './redis/server-settings.js';

export interface RedisQueuesOptions extends BullQueuesOptions {
  url: string;
}

/**
 * Opens queue, backlog, leases and tasks on one Redis server or cluster, for any number of
 * processes.
 */
export async function openRedisQueues(options: RedisQueuesOptions): Promise<Queues> {
  const { url, timings, warn } = options;
  const server = await RedisServer.reach(url, 'REDIS_URL', {
    batchWrites: true,
    // A command that fetches jobs may be repeated after this time without a reply. The jobs of the
    // first one are then left to the next check for stalled jobs; their locks have expired by then.
    workerSilenceMs: timings.lockMs,
  });
  const connection = await server.connect('failFast');
  connection.on('error', (error) => warn('The connection to Redis failed; reconnecting.', error));
  await checkServerSettings(connection, warn);
  const driver = await RedisDriver.open(server, connection, options, warn);
  const backlog = new RedisBacklog(connection);
  const leases = new RedisLeases(connection, warn);
  return openBullQueues({ driver, backlog, leases, disconnect: () => closeRedis(connection) }, options);
}
