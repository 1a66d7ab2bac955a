import type { QueueLimits } from '../../driver.js';
import { VirtualTime } from '../../fairness.js';
import { type NewJob, QUEUE_KINDS, type QueueKind, queueKindOf } from '../../jobs.js';
import type { PgliteDatabase } from './database.js';
import { IN_LANES } from './schema.js';

/** What is in the queue, kept in memory: this process is the only one, and reads it from the table at start. */
export class Ledger {
  readonly times = new VirtualTime();
  /** Jobs in workers' hands: they do not wait. */
  running = 0;
  bytes = 0;
  readonly #sizes = new Map<string, number>();

  static async read(database: PgliteDatabase): Promise<Ledger> {
    const usage = new Ledger();
    const { rows } = await database.query<{
      id: string;
      kind: QueueKind;
      n: string;
      s: number;
      priority: number;
    }>(
      `SELECT id, queue AS kind, data->>'n' AS n, (data->>'s')::int AS s, priority FROM job WHERE ${IN_LANES}`,
    );
    for (const { id, kind, n, s, priority } of rows) {
      usage.#sizes.set(id, s);
      usage.bytes += s;
      usage.times.restore(kind, n, priority);
    }
    return usage;
  }

  get size(): number {
    return this.#sizes.size;
  }

  /** Those that are not in the queue already. */
  fresh(group: readonly NewJob[]): NewJob[] {
    return group.filter((job) => !this.#sizes.has(job.id));
  }

  hasRoom(jobs: readonly NewJob[], limits: QueueLimits): boolean {
    const waiting = this.#sizes.size - this.running;
    const bytes = jobs.reduce((sum, job) => sum + job.data.s, this.bytes);
    return waiting + jobs.length <= limits.maxWaiting && bytes <= limits.maxBytes;
  }

  /** Returns the job's priority. */
  enter({ id, data }: NewJob): number {
    this.#sizes.set(id, data.s);
    this.bytes += data.s;
    return this.times.take(queueKindOf(data), data.n);
  }

  leave(id: string): void {
    this.bytes -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }

  /** Counts times from the clock anew when they have come far. */
  async rebase(database: PgliteDatabase): Promise<void> {
    for (const kind of QUEUE_KINDS) {
      const shift = this.times.overflow(kind);
      if (shift === 0) continue;
      this.times.shift(kind, shift);
      await database.query('UPDATE job SET priority = greatest(1, priority - $1::int) WHERE queue = $2', [
        shift,
        kind,
      ]);
    }
  }
}
