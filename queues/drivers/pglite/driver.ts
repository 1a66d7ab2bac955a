import { EventEmitter } from 'node:events';
import { createPostgresBackend, type PostgresQueueBackend, type Processor, withBackend } from 'bullmq';
import type { Namespace } from '../../../src/contract/ids.js';
import type { AppError } from '../../../src/errors.js';
import type { Closable } from '../../../src/ports/closable.js';
import type { QueueCounts, QueueUse } from '../../../src/ports/queue.js';
import { queueFull, queueUnavailable, quotaPassed, shareRefusal } from '../../admission.js';
import type { CrashJournal } from '../../crash-journal.js';
import type {
  BullQueue,
  BullWorker,
  BullWorkerOptions,
  InvocationJob,
  JobGroup,
  QueueDriver,
  QueueLimits,
  Shares,
  Warn,
} from '../../driver.js';
import { perQueue } from '../../fairness.js';
import { FileCrashJournal } from '../../file-crash-journal.js';
import {
  type JobData,
  type NewJob,
  QUEUE_KINDS,
  type QueueKind,
  queueKindOf,
  TICKS,
  toJobJson,
} from '../../jobs.js';
import { nextTick } from '../../next-tick.js';
import { countJobs } from './counts.js';
import type { PgliteDatabase } from './database.js';

import { IN_LANES } from './schema.js';
import { Ledger, usesOf } from './usage-index.js';

const Pg = withBackend(createPostgresBackend);

/** With the job rather than the worker: the backend's short way to delete a finished row. */
const REMOVE = { removeOnComplete: true, removeOnFail: true };
/** Beyond this many jobs, BullMQ's bulk insert is worth the temporary tables it makes. */
const BULK = 64;
/** Nobody vacuums in PGlite by itself; dead rows would slow down every look for the next job. */
const VACUUM_AFTER = 2000;

/** In what each quota of a share is counted. */
const MEASURES = { waiting_jobs: 'waiting', waiting_mb: 'bytes', delayed_jobs: 'delayed' } as const;

type Entry = Parameters<PostgresQueueBackend['addJobs']>[0][number] & { kind: QueueKind };

/** BullMQ's Postgres backend on PGlite: one process, nothing to install. */
export class PgliteDriver implements QueueDriver {
  readonly name = 'pglite';
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly #database: PgliteDatabase;
  readonly #backends: Readonly<Record<QueueKind, PostgresQueueBackend>>;
  readonly #usage: Ledger;
  readonly #limits: QueueLimits;
  readonly #warn: Warn;
  readonly #dataDir: string;
  readonly #cancelRequests = new EventEmitter();
  readonly #further: Closable[] = [];
  #endedSinceVacuum = 0;
  #maintenance: Promise<void> | undefined;

  private constructor(
    database: PgliteDatabase,
    kinds: Readonly<Record<QueueKind, BullQueue<JobData>>>,
    ticks: BullQueue<unknown>,
    usage: Ledger,
    limits: QueueLimits,
    warn: Warn,
    dataDir: string,
  ) {
    this.#database = database;
    this.queues = kinds;
    this.ticks = ticks;
    this.#backends = perQueue((kind) => kinds[kind].getBackend() as unknown as PostgresQueueBackend);
    this.#usage = usage;
    this.#limits = limits;
    this.#warn = warn;
    this.#dataDir = dataDir;
  }

  /** `dataDir` is locked by the caller. */
  static async open(
    database: PgliteDatabase,
    limits: QueueLimits,
    warn: Warn,
    dataDir: string,
  ): Promise<PgliteDriver> {
    const kinds = perQueue((kind) => new Pg.Queue<JobData, void>(kind, { connection: database }));
    const ticks = new Pg.Queue<unknown, void>(TICKS, {
      connection: database,
      settings: { repeatStrategy: nextTick },
    });
    for (const queue of [...Object.values(kinds), ticks]) {
      queue.on('error', (error) => warn('The queue reports a fault.', error));
      await queue.waitUntilReady();
    }
    return new PgliteDriver(
      database,
      kinds as unknown as Record<QueueKind, BullQueue<JobData>>,
      ticks as unknown as BullQueue<unknown>,
      await Ledger.read(database),
      limits,
      warn,
      dataDir,
    );
  }

  async openQueue<D>(name: string): Promise<BullQueue<D>> {
    const queue = new Pg.Queue<D, void>(name, { connection: this.#database });
    queue.on('error', (error) => this.#warn('The queue reports a fault.', error));
    await queue.waitUntilReady();
    this.#further.push(queue);
    return queue as unknown as BullQueue<D>;
  }

  async createWorker<D>(
    queue: string,
    processor: Processor<D, void>,
    options: BullWorkerOptions,
  ): Promise<BullWorker<D>> {
    const counted: Processor<D, void> = async (job, token, signal) => {
      this.#usage.begun(job.id ?? '');
      try {
        return await processor(job, token, signal);
      } finally {
        this.#usage.over(job.id ?? '');
      }
    };
    return new Pg.Worker<D, void>(queue, QUEUE_KINDS.some((kind) => kind === queue) ? counted : processor, {
      ...options,
      connection: this.#database,
    }) as unknown as BullWorker<D>;
  }

  async add(groups: readonly JobGroup[], shares: Shares): Promise<(AppError | null)[]> {
    const taken: { job: NewJob; priority: number }[] = [];
    const verdicts = groups.map((group) => {
      const fresh = this.#usage.fresh(group);
      if (fresh.length === 0) return null;
      if (!this.#usage.hasRoom(fresh, this.#limits)) return queueFull(this.#limits);
      for (const [namespace, more] of usesOf(fresh)) {
        const share = shares.get(namespace);
        const used = this.#usage.use(namespace);
        const quota = share === undefined ? null : quotaPassed(used, more, share);
        if (quota !== null) return shareRefusal(quota, namespace, used[MEASURES[quota]], share);
      }
      for (const job of fresh) taken.push({ job, priority: this.#usage.enter(job) });
      return null;
    });
    try {
      await this.#insert(
        taken.map(({ job, priority }) => ({
          job: toJobJson({ ...job, opts: { ...job.opts, ...REMOVE } }, priority),
          jobId: job.id,
          kind: queueKindOf(job.data),
        })),
      );
      return verdicts;
    } catch (error) {
      for (const { job } of taken) this.#usage.leave(job.id);
      // One caller's unstorable job must not fail the others'.
      if (groups.length === 1) throw queueUnavailable(error);
      return Promise.all(
        groups.map((group) =>
          this.add([group], shares).then(
            ([verdict]) => verdict ?? null,
            (failure: AppError) => failure,
          ),
        ),
      );
    }
  }

  /** One statement for a caller's jobs, which are all of one kind: so all or none. */
  async #insert(entries: Entry[]): Promise<void> {
    const [first] = entries;
    if (first === undefined) return;
    if (entries.length === 1) await this.#backends[first.kind].addJob(first.job, first.jobId);
    else if (entries.length > BULK) {
      for (const kind of QUEUE_KINDS) {
        const own = entries.filter((entry) => entry.kind === kind);
        if (own.length > 0) await this.#backends[kind].addJobs(own);
      }
    } else {
      const results = await this.#backends[first.kind].addFlow(
        entries.map(({ job, jobId, kind }) => ({
          jobData: job,
          jobId,
          parentKeyOpts: {},
          queueName: kind,
          prefix: '',
        })),
      );
      const failed = results?.find(([error]) => error !== null);
      if (failed) throw failed[0];
    }
  }

  ended(job: InvocationJob): void {
    this.#usage.leave(job.id ?? '');
    this.#usage.times.finished(queueKindOf(job.data), job.priority);
    this.#endedSinceVacuum += 1;
    const due = this.#endedSinceVacuum >= Math.max(VACUUM_AFTER, this.#usage.size);
    if (due) this.#maintenance ??= this.#maintain().finally(() => (this.#maintenance = undefined));
  }

  async #maintain(): Promise<void> {
    this.#endedSinceVacuum = 0;
    try {
      await this.#usage.rebase(this.#database);
      await this.#database.query('VACUUM (ANALYZE)');
    } catch (error) {
      this.#warn('The queue could not be tidied; it will be tried again.', error);
    }
  }

  postponed(): void {
    // Told apart from a retry by its attempts, which the table has.
  }

  async remove(job: InvocationJob): Promise<boolean> {
    const removed = (await this.#backends[queueKindOf(job.data)].remove(job.id ?? '', false)) > 0;
    if (removed) this.#usage.leave(job.id ?? '');
    return removed;
  }

  async requestCancel(id: string): Promise<void> {
    await this.#database.query('INSERT INTO orama.cancelled (id) VALUES ($1) ON CONFLICT DO NOTHING', [id]);
    this.#cancelRequests.emit('cancel', id);
  }

  async isCancelRequested(id: string): Promise<boolean> {
    const { rows } = await this.#database.query('SELECT 1 FROM orama.cancelled WHERE id = $1', [id]);
    return rows.length > 0;
  }

  async onCancelRequest(handler: (id: string | null) => void): Promise<Closable> {
    this.#cancelRequests.on('cancel', handler);
    return {
      close: async () => {
        this.#cancelRequests.off('cancel', handler);
      },
    };
  }

  async list(
    namespace: Namespace,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ ids: string[]; next: string | null }> {
    const { rows } = await this.#database.query<{ id: string }>(
      `SELECT id FROM job WHERE ${IN_LANES} AND data->>'n' = $1 AND ($2::text IS NULL OR id < $2)
       ORDER BY id DESC LIMIT $3`,
      [namespace, cursor ?? null, limit],
    );
    return {
      ids: rows.map((row) => row.id),
      next: rows.length < limit ? null : (rows.at(-1)?.id ?? null),
    };
  }

  counts(): Promise<QueueCounts> {
    return countJobs(this.#database, this.#usage.bytes);
  }

  async use(namespace: Namespace): Promise<QueueUse> {
    return this.#usage.use(namespace);
  }

  openCrashJournal(): Promise<CrashJournal> {
    return FileCrashJournal.open(this.#dataDir);
  }

  async ping(): Promise<void> {
    await this.#database.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.#maintenance;
    await Promise.all(
      [...QUEUE_KINDS.map((kind) => this.queues[kind]), this.ticks, ...this.#further].map((queue) =>
        queue.close(),
      ),
    );
  }
}
