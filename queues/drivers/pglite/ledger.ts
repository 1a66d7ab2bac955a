import type { QueueLimits } from '../../driver.js';
import { Turns } from '../../fairness.js';
import { LANES, type Lane, laneOf, type NewJob } from '../../jobs.js';
import type { PgliteDatabase } from './database.js';
import { IN_LANES } from './schema.js';

/** What is in the queue, kept in memory: this process is the only one, and reads it from the table at start. */
export class Ledger {
  readonly turns = new Turns();
  /** Jobs in workers' hands: they do not wait. */
  running = 0;
  bytes = 0;
  readonly #sizes = new Map<string, number>();

  static async read(database: PgliteDatabase): Promise<Ledger> {
    const ledger = new Ledger();
    const { rows } = await database.query<{ id: string; lane: Lane; n: string; s: number; priority: number }>(
      `SELECT id, queue AS lane, data->>'n' AS n, (data->>'s')::int AS s, priority FROM job WHERE ${IN_LANES}`,
    );
    for (const { id, lane, n, s, priority } of rows) {
      ledger.#sizes.set(id, s);
      ledger.bytes += s;
      ledger.turns.restore(lane, n, priority);
    }
    return ledger;
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
    return this.turns.take(laneOf(data), data.n);
  }

  leave(id: string): void {
    this.bytes -= this.#sizes.get(id) ?? 0;
    this.#sizes.delete(id);
  }

  /** Counts turns from the clock anew when they have come far. */
  async rebase(database: PgliteDatabase): Promise<void> {
    for (const lane of LANES) {
      const shift = this.turns.overflow(lane);
      if (shift === 0) continue;
      this.turns.shift(lane, shift);
      await database.query('UPDATE job SET priority = greatest(1, priority - $1::int) WHERE queue = $2', [
        shift,
        lane,
      ]);
    }
  }
}
