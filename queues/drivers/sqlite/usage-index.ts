import type { QueueUse } from '../../../src/ports/queue.js';
import type { JobCounts, QueueLimits } from '../../driver.js';
import { type RestoredJob, VirtualTime } from '../../fairness.js';
import { type InvocationJob, type NewJob, queueKindOf } from '../../job-data.js';
import { perQueue, QUEUE_KINDS } from '../../queue-names.js';
import { raised, type WaitingUse } from '../../queue-quota.js';
import type { SqliteConnection } from './backend/connection.js';
import { STATE } from './backend/schema.js';
import { NamespaceUse } from './namespace-use.js';
import { rowsOf } from './tables.js';

/**
 * A job that was put back without having failed is reported as waiting, like a job that waits for a
 * retry.
 */
const READ = `
SELECT queue.name, job.id, json_extract(opts, '$.n'), json_extract(opts, '$.s'), timestamp, priority,
  CASE WHEN state = ${STATE.delayed} AND attempts_started = 0 THEN score END,
  state = ${STATE.waiting} AND attempts_started = 0 AND due_since IS NULL
FROM job JOIN queue ON queue.id = job.queue WHERE json_extract(opts, '$.n') IS NOT NULL`;

type Row = [
  kind: string,
  id: string,
  namespace: string,
  size: number,
  acceptedAt: number,
  priority: number,
  due: number | null,
  waits: 0 | 1,
];

interface IndexedJob {
  namespace: string;
  size: number;
  /** How many runs of the job workers have: two may overlap for a moment. */
  runs: number;
  /** Unix milliseconds. */
  acceptedAt: number;
}

const NOTHING = { waiting: 0, running: 0, delayed: 0, bytes: 0, oldestMs: 0 };

/**
 * The usage of the queue, kept in memory. This is possible because the embedded queue has exactly
 * one process, which reads the rows at its start.
 */
export class UsageIndex implements JobCounts {
  readonly times = new VirtualTime();
  bytes = 0;
  /** The number of jobs that workers run; they do not count as waiting. */
  #running = 0;
  readonly #held = new Map<string, IndexedJob>();
  readonly #uses = new Map<string, NamespaceUse>();

  static async read(connection: SqliteConnection): Promise<UsageIndex> {
    const usage = new UsageIndex();
    const restored = perQueue<RestoredJob[]>(() => []);
    const rows = await rowsOf<Row>(connection, READ);
    for (const [name, id, namespace, size, acceptedAt, priority, due, waits] of rows) {
      const kind = QUEUE_KINDS.find((each) => each === name);
      if (kind === undefined) continue;
      usage.#hold(id, { namespace, size, acceptedAt }, due);
      restored[kind].push({ namespace, priority, waits: waits === 1 });
    }
    for (const kind of QUEUE_KINDS) usage.times.restore(kind, restored[kind]);
    return usage;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Returns the namespaces with jobs that neither run nor have a first attempt in the future. */
  waitingNamespaces(): string[] {
    const now = Date.now();
    const uses = [...this.#uses].filter(([, use]) => use.jobs > use.running + use.delayed(now).size);
    return uses.map(([namespace]) => namespace);
  }

  /** Returns the jobs of the group that are not in the queue yet. */
  fresh(group: readonly NewJob[]): NewJob[] {
    return group.filter((job) => !this.#held.has(job.id));
  }

  hasRoom(jobs: readonly NewJob[], { maxWaiting, maxBytes }: QueueLimits, overdraft: number): boolean {
    const waiting = this.size - this.#running;
    const bytes = jobs.reduce((sum, job) => sum + job.data.s, this.bytes);
    return waiting + jobs.length <= raised(maxWaiting, overdraft) && bytes <= raised(maxBytes, overdraft);
  }

  /** Returns the use of a namespace that its quotas limit. Called on every add. */
  waitingUse(namespace: string): WaitingUse {
    const use = this.#uses.get(namespace);
    if (use === undefined) return NOTHING;
    const { jobs, running, bytes } = use;
    const delayed = use.delayed(Date.now()).size;
    return { waiting: Math.max(0, jobs - running - delayed), delayed, bytes };
  }

  use(namespace: string): QueueUse {
    const use = this.#uses.get(namespace);
    if (use === undefined) return NOTHING;
    const now = Date.now();
    const delayed = use.delayed(now);
    let oldest = now;
    for (const [id, held] of this.#held) {
      if (held.namespace !== namespace || held.runs > 0 || delayed.has(id)) continue;
      oldest = Math.min(oldest, held.acceptedAt);
    }
    return { ...this.waitingUse(namespace), running: use.running, oldestMs: now - oldest };
  }

  enter({ id, data, opts }: NewJob): void {
    const due = opts.delay === undefined ? null : data.a + opts.delay;
    this.#hold(id, { namespace: data.n, size: data.s, acceptedAt: data.a }, due);
  }

  #hold(id: string, job: Omit<IndexedJob, 'runs'>, due: number | null): void {
    if (this.#held.has(id)) return;
    this.#held.set(id, { ...job, runs: 0 });
    this.bytes += job.size;
    const use = this.#uses.get(job.namespace) ?? new NamespaceUse();
    this.#uses.set(job.namespace, use);
    use.jobs += 1;
    use.bytes += job.size;
    if (due !== null) use.delay(id, due);
  }

  began({ id = '' }: InvocationJob): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    if (held.runs === 0) this.#countRunning(held, 1);
    held.runs += 1;
    this.#uses.get(held.namespace)?.undelay(id);
  }

  stopped({ id = '' }: InvocationJob): void {
    const held = this.#held.get(id);
    if (held === undefined || held.runs === 0) return;
    held.runs -= 1;
    if (held.runs === 0) this.#countRunning(held, -1);
  }

  #countRunning(held: IndexedJob, change: 1 | -1): void {
    this.#running += change;
    const use = this.#uses.get(held.namespace);
    if (use !== undefined) use.running += change;
  }

  ended(job: InvocationJob): void {
    this.removed(job);
    this.times.finished(queueKindOf(job.data), job.priority);
  }

  removed({ id = '' }: InvocationJob): void {
    this.leave(id);
  }

  postponed(): void {
    // The job row has the number of attempts, which tells this job apart from a retry.
  }

  leave(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    if (held.runs > 0) this.#countRunning(held, -1);
    this.#held.delete(id);
    this.bytes -= held.size;
    const use = this.#uses.get(held.namespace);
    if (use === undefined) return;
    use.jobs -= 1;
    use.bytes -= held.size;
    use.undelay(id);
    if (use.jobs === 0) this.#uses.delete(held.namespace);
  }
}

/** Sums up the jobs and bytes that `jobs` add to each namespace. */
export function usesOf(jobs: readonly NewJob[]): Map<string, WaitingUse> {
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
