import type { Queues } from './bull-queues.js';
import type { QueueLimits } from './driver.js';
import type { InvocationQueueOptions } from './queue.js';
import { DEFAULT_TIMINGS } from './timings.js';

export type QueuesOptions = ({ driver: 'redis'; url: string } | { driver: 'sqlite'; dir: string }) &
  QueueLimits &
  Partial<InvocationQueueOptions>;

/**
 * Opens the queue, backlog, leases and tasks on one server; loads only the configured driver.
 * `close` waits for running jobs and then closes all of them.
 */
export async function openQueues(options: QueuesOptions): Promise<Queues> {
  const { timings = DEFAULT_TIMINGS, warn = () => {} } = options;
  switch (options.driver) {
    case 'redis':
      return (await import('./drivers/redis.js')).openRedisQueues({ ...options, timings, warn });
    case 'sqlite':
      return (await import('./drivers/sqlite.js')).openSqliteQueues({ ...options, timings, warn });
  }
}
