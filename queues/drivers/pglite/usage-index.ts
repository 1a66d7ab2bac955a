import type { QueueUse } from '../../../src/ports/queue.js';
import type { ShareUse } from '../../admission.js';
import type { QueueLimits } from '../../driver.js';
import { VirtualTime } from '../../fairness.js';
import { type NewJob, QUEUE_KINDS, type QueueKind, queueKindOf } from '../../jobs.js';
import type { PgliteDatabase } from './database.js';
import { IN_LANES } from './schema.js';

interface Held {
  namespace: string;
  size: number;
  running: boolean;
  /** Unix milliseconds. */
  acceptedAt: number;
}

interface NamespaceUse {
  jobs: number;
  running: number;
  bytes: number;
  /** By id: when the first attempt is due. */
  delayed: Map<string, number>;
}

/** What is in the queue, kept in memory: this process is the only one, and reads it from the table at start. */
export class Ledger {
  readonly times = new VirtualTime();
  /** Jobs in workers' hands: they do not wait. */
  running = 0;
  bytes = 0;
  readonly #held = new Map<string, Held>();
  readonly #uses = new Map<string, NamespaceUse>();

  static async read(database: PgliteDatabase): Promise<Ledger> {
    const usage = new Ledger();
    const { rows } = await database.query<{
      id: string;
      kind: QueueKind;
      n: string;
      s: number;
      priority: number;
      a: string;
      due: string | null;
    }>(
      `SELECT id, queue AS kind, data->>'n' AS n, (data->>'s')::int AS s, data->>'a' AS a, priority,
         CASE WHEN state = 'delayed' AND attempts_made = 0 THEN process_at_ms END AS due
       FROM job WHERE ${IN_LANES}`,
    );
    for (const { id, kind, n, s, a, priority, due } of rows) {
      const acceptedAt = Number(a);
      const delay = due === null ? null : Number(due) - acceptedAt;
      usage.#hold({ id, namespace: n, size: s, acceptedAt }, delay);
      usage.times.restore(kind, n, priority);
    }
    return usage;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Those that are not in the queue already. */
  fresh(group: readonly NewJob[]): NewJob[] {
    return group.filter((job) => !this.#held.has(job.id));
  }

  hasRoom(jobs: readonly NewJob[], limits: QueueLimits): boolean {
    const waiting = this.#held.size - this.running;
    const bytes = jobs.reduce((sum, job) => sum + job.data.s, this.bytes);
    return waiting + jobs.length <= limits.maxWaiting && bytes <= limits.maxBytes;
  }

  use(namespace: string): QueueUse {
    const use = this.#uses.get(namespace);
    if (use === undefined) return { waiting: 0, running: 0, delayed: 0, bytes: 0, oldestMs: 0 };
    const now = Date.now();
    for (const [id, due] of use.delayed) if (due <= now) use.delayed.delete(id);
    const { jobs, running, delayed, bytes } = use;
    return {
      waiting: Math.max(0, jobs - running - delayed.size),
      running,
      delayed: delayed.size,
      bytes,
      oldestMs: this.#oldestMs(namespace, use, now),
    };
  }

  #oldestMs(namespace: string, { delayed }: NamespaceUse, now: number): number {
    let oldest = now;
    for (const [id, held] of this.#held) {
      if (held.namespace !== namespace || held.running || delayed.has(id)) continue;
      oldest = Math.min(oldest, held.acceptedAt);
    }
    return now - oldest;
  }

  /** Returns the job's priority. */
  enter({ id, data, opts }: NewJob): number {
    this.#hold({ id, namespace: data.n, size: data.s, acceptedAt: data.a }, opts.delay ?? null);
    return this.times.take(queueKindOf(data), data.n);
  }

  #hold({ id, ...job }: { id: string } & Omit<Held, 'running'>, delayMs: number | null): void {
    const { namespace, size, acceptedAt } = job;
    this.#held.set(id, { ...job, running: false });
    this.bytes += size;
    const use = this.#uses.get(namespace) ?? { jobs: 0, running: 0, bytes: 0, delayed: new Map() };
    this.#uses.set(namespace, use);
    use.jobs += 1;
    use.bytes += size;
    if (delayMs !== null) use.delayed.set(id, acceptedAt + delayMs);
  }

  /** A worker has the job. */
  begun(id: string): void {
    this.running += 1;
    const held = this.#held.get(id);
    const use = this.#uses.get(held?.namespace ?? '');
    if (held === undefined || use === undefined || held.running) return;
    held.running = true;
    use.running += 1;
    use.delayed.delete(id);
  }

  /** It has it no longer: the job has left the queue, or waits again. */
  over(id: string): void {
    this.running -= 1;
    const held = this.#held.get(id);
    const use = this.#uses.get(held?.namespace ?? '');
    if (held === undefined || use === undefined || !held.running) return;
    held.running = false;
    use.running -= 1;
  }

  leave(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.bytes -= held.size;
    const use = this.#uses.get(held.namespace);
    if (use === undefined) return;
    use.jobs -= 1;
    use.bytes -= held.size;
    if (held.running) use.running -= 1;
    use.delayed.delete(id);
    if (use.jobs === 0) this.#uses.delete(held.namespace);
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

/** What jobs add to their namespaces. */
export function usesOf(jobs: readonly NewJob[]): Map<string, ShareUse> {
  const uses = new Map<string, { waiting: number; delayed: number; bytes: number }>();
  for (const { data, opts } of jobs) {
    const use = uses.get(data.n) ?? { waiting: 0, delayed: 0, bytes: 0 };
    uses.set(data.n, use);
    if (opts.delay === undefined) use.waiting += 1;
    else use.delayed += 1;
    use.bytes += data.s;
  }
  return uses;
}
