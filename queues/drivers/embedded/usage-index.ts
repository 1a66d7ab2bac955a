import type { QueueLimits } from '../../driver.js';
import { VirtualTime } from '../../fairness.js';
import { type NewJob, QUEUE_KINDS, type QueueKind } from '../../jobs.js';
import type { SqliteConnection } from '../sqlite/connection.js';
import { rowsOf } from './tables.js';

const READ = `
SELECT queue.name, json_extract(opts, '$.n'), count(*), sum(json_extract(opts, '$.s')), max(priority)
FROM job JOIN queue ON queue.id = job.queue WHERE json_extract(opts, '$.n') IS NOT NULL GROUP BY 1, 2`;

/** How much is in the queue, kept in memory: this process is the only one, and counts the rows at its start. */
export class UsageIndex {
  readonly times = new VirtualTime();
  /** Jobs in workers' hands: they do not wait. */
  running = 0;
  size = 0;
  bytes = 0;

  static async read(connection: SqliteConnection): Promise<UsageIndex> {
    const usage = new UsageIndex();
    const rows = await rowsOf<
      [kind: string, namespace: string, count: number, bytes: number, priority: number]
    >(connection, READ);
    for (const [name, namespace, count, bytes, priority] of rows) {
      const kind = QUEUE_KINDS.find((each) => each === name);
      if (kind === undefined) continue;
      usage.size += count;
      usage.bytes += bytes;
      usage.times.restore(kind, namespace, priority);
    }
    return usage;
  }

  hasRoom(jobs: readonly NewJob[], limits: QueueLimits): boolean {
    const waiting = this.size - this.running;
    const bytes = jobs.reduce((sum, job) => sum + job.data.s, this.bytes);
    return waiting + jobs.length <= limits.maxWaiting && bytes <= limits.maxBytes;
  }

  /** Returns the job's priority. */
  enter(kind: QueueKind, { data }: NewJob): number {
    this.size += 1;
    this.bytes += data.s;
    return this.times.take(kind, data.n);
  }

  leave(bytes: number): void {
    this.size -= 1;
    this.bytes -= bytes;
  }
}
