import type { Queues } from './bull-queues.js';
import {
  DEFAULT_TIMINGS,
  type HasEnded,
  type LimitsOf,
  type QueueLimits,
  type QueueTimings,
  type Warn,
} from './driver.js';

export type QueuesOptions = ({ driver: 'redis'; url: string } | { driver: 'sqlite'; dir: string }) &
  QueueLimits & {
    timings?: QueueTimings;
    /**
     * Resolves with the limits of a namespace in the queue; without it, only the limits of the
     * whole queue apply.
     */
    limitsOf?: LimitsOf | undefined;
    /**
     * Finds an accepted invocation that has already left the queue when the response to its add was
     * lost; without it, only the queue is asked.
     */
    hasEnded?: HasEnded | undefined;
    /**
     * Called for errors that were handled internally: lost connections, lost locks, handlers that
     * threw.
     */
    warn?: Warn;
  };

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
