import type { QueueCounts } from '../../../src/ports/queue.js';
import { OLDEST_JOB_SAMPLE } from '../../driver.js';
import { QUEUE_KINDS } from '../../queue-names.js';
import type { SqliteConnection } from './backend/connection.js';
import type { UsageIndex } from './usage-index.js';

/**
 * Counts the jobs of both queues at constant cost, except for delayed jobs. `waiting` is derived:
 * all jobs that are neither running nor delayed for a retry.
 */
export async function countJobs(connection: SqliteConnection, usage: UsageIndex): Promise<QueueCounts> {
  const now = Date.now();
  const kinds = await Promise.all(
    QUEUE_KINDS.map((kind) =>
      Promise.all([
        connection.call({ command: 'countDelayed' }, 'countDelayed', kind, now),
        connection.call({ command: 'dueTimes' }, 'dueTimes', kind, OLDEST_JOB_SAMPLE),
        connection.call({ command: 'countJobs' }, 'countJobs', kind, ['active'], null),
      ]),
    ),
  );
  const { size, bytes } = usage;
  const running = kinds.reduce((sum, [, , [active = 0]]) => sum + active, 0);
  const retrying = kinds.reduce((sum, [delayed]) => sum + delayed.retries, 0);
  const dueTimes = kinds.flatMap(([, times]) => times);
  return {
    waiting: Math.max(0, size - running - retrying),
    running,
    retrying,
    bytes,
    oldestMs: Math.max(0, ...dueTimes.map((due) => now - due)),
  };
}
