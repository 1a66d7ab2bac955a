import { closeRedis } from '../../src/redis/connection.js';
import { RedisServer } from '../../src/redis/server.js';
import type { HasEnded, QueueLimits, QueueTimings, ShareOf, Warn } from '../driver.js';
import type { Queues } from '../open.js';
import { BullInvocationQueue } from '../queue.js';
import { BullTasks } from '../tasks.js';
import { RedisBacklog } from './redis/backlog.js';
import { RedisDriver } from './redis/driver.js';
import { RedisLeases } from './redis/leases.js';

export interface RedisQueuesOptions extends QueueLimits {
  url: string;
  timings: QueueTimings;
  shareOf?: ShareOf | undefined;
  hasEnded?: HasEnded | undefined;
  warn: Warn;
}

/**
 * Opens queue, backlog, leases and tasks on one Redis server or cluster, for any number of
 * processes.
 */
export async function openRedisQueues({
  url,
  timings,
  shareOf,
  hasEnded,
  warn,
  ...limits
}: RedisQueuesOptions): Promise<Queues> {
  const server = await RedisServer.reach(url, 'REDIS_URL', { batchWrites: true });
  const connection = await server.connect('failFast');
  connection.on('error', (error) => warn('The connection to Redis failed; reconnecting.', error));
  const driver = await RedisDriver.open(server, connection, limits, warn);
  const queue = new BullInvocationQueue(driver, { timings, warn, shareOf, hasEnded });
  const tasks = await BullTasks.open(driver, timings, warn);
  const backlog = await RedisBacklog.open(connection);
  const leases = new RedisLeases(connection, warn);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await leases.close();
    await backlog.close();
    await tasks.close();
    await queue.close();
    await closeRedis(connection);
  };
  return {
    queue,
    backlog,
    leases,
    tasks,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
