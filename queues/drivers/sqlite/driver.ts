import { EventEmitter } from 'node:events';
import { type Processor, type QueueOptions, withBackend } from 'bullmq';
import type { Namespace } from '../../../src/contract/ids.js';
import type { AppError } from '../../../src/errors.js';
import type { Closable } from '../../../src/ports/closable.js';
import type { QueueCounts, QueueUse, RemovedHandler, RemovedInvocation } from '../../../src/ports/queue.js';
import { onClockSetBack } from '../../clock-set-back.js';
import type { CrashJournal } from '../../crash-journal.js';
import {
  type BullQueue,
  type BullWorker,
  type BullWorkerOptions,
  type InvocationJob,
  type JobGroup,
  lockOptions,
  type QueueDriver,
  type QueueLimits,
  type QueueTimings,
  type Shares,
  type Warn,
} from '../../driver.js';
import { queueFull, queueUnavailable, shareExceeded } from '../../errors.js';
import { perQueue } from '../../fairness.js';
import { FileCrashJournal } from '../../file-crash-journal.js';
import type { JobStore } from '../../job-store.js';
import { type JobData, type NewJob, QUEUE_KINDS, type QueueKind, queueKindOf, TICKS } from '../../jobs.js';
import { nextTick } from '../../next-tick.js';
import { exceededQuota } from '../../share-quota.js';
import type { SqliteConnection } from './backend/connection.js';
import { createSqliteBackend } from './backend/create-backend.js';
import { STATE } from './backend/schema.js';
import { countJobs } from './counts.js';
import { Removals } from './removals.js';
import { toStoredJob } from './stored-job.js';
import { rowsOf, write } from './tables.js';
import { type UsageIndex, usesOf } from './usage-index.js';

/** The other queues of each kind: a job id is unique across all queues. */
const OTHERS = perQueue((kind) => QUEUE_KINDS.filter((other) => other !== kind));
const Bull = withBackend(createSqliteBackend);
/**
 * A run loop is always notified of new jobs; this poll interval, in seconds, is only a fallback.
 */
const POLL_INTERVAL_SECONDS = 60;
/** The number of jobs within which a ready one is looked for. */
const READY_LIMIT = 1000;
/** The number of jobs of some namespaces, up to that limit, and whether one of a kind is ready. */
const READY_OF = `
SELECT count(*), max(is_ready) FROM (
  SELECT queue.name = ?1 AND (state = ${STATE.waiting} OR state = ${STATE.delayed} AND score <= ?2) AS is_ready
  FROM json_each(?3) AS other
  JOIN job ON json_extract(job.opts, '$.n') = other.value
  JOIN queue ON queue.id = job.queue LIMIT ${READY_LIMIT})`;
/** The field of `ShareUse` that each quota of a share limits. */
const MEASURES = { waiting_jobs: 'waiting', waiting_mb: 'bytes', delayed_jobs: 'delayed' } as const;

/**
 * The embedded queue, in a file in the data directory. It supports exactly one process and needs no
 * server.
 */
export class SqliteDriver implements QueueDriver {
  readonly name = 'sqlite';
  readonly waitSeconds = POLL_INTERVAL_SECONDS;
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly #connection: SqliteConnection;
  readonly #usage: UsageIndex;
  readonly #limits: QueueLimits;
  readonly #warn: Warn;
  readonly #dataDir: string;
  readonly #removals: Removals;
  readonly #cancelRequests = new EventEmitter();
  readonly #opened: (Closable & { name: string })[] = [];
  readonly #setBack: Closable;

  /** The caller must hold the lock on `dataDir`. */
  constructor(
    connection: SqliteConnection,
    usage: UsageIndex,
    limits: QueueLimits,
    warn: Warn,
    dataDir: string,
  ) {
    this.#connection = connection;
    this.#usage = usage;
    this.#limits = limits;
    this.#warn = warn;
    this.#dataDir = dataDir;
    this.#removals = new Removals(connection, (id) => usage.leave(id), warn);
    this.queues = perQueue((kind) => this.#open<JobData>(kind));
    this.ticks = this.#open<unknown>(TICKS, { settings: { repeatStrategy: nextTick } });
    this.#setBack = onClockSetBack(() => void this.#shortenDelays());
  }

  /** A delay of some seconds ends after some seconds, even if the clock was set back by an hour. */
  async #shortenDelays(): Promise<void> {
    for (const { name } of this.#opened) {
      try {
        await this.#connection.call({ command: 'shortenDelays' }, 'shortenDelays', name, Date.now());
      } catch (error) {
        this.#warn('Failed to shorten the delays of jobs after the clock was set back.', error);
      }
    }
  }

  #open<D>(name: string, options: Omit<QueueOptions, 'connection'> = {}): BullQueue<D> {
    const queue = new Bull.Queue<D, void>(name, { ...options, connection: this.#connection });
    queue.on('error', (error) => this.#warn('The queue reported an error.', error));
    this.#opened.push(queue);
    return queue;
  }

  async openQueue<D>(name: string): Promise<BullQueue<D>> {
    return this.#open<D>(name);
  }

  async createWorker<D>(
    queue: string,
    processor: Processor<D, void>,
    options: BullWorkerOptions,
  ): Promise<BullWorker<D>> {
    return new Bull.Worker<D, void>(queue, processor, {
      drainDelay: this.waitSeconds,
      ...options,
      connection: this.#connection,
    });
  }

  async openStore(kind: QueueKind, timings: QueueTimings): Promise<JobStore> {
    const options = { connection: this.#connection, ...lockOptions(timings) };
    const store = createSqliteBackend(kind, options, { withBlockingConnection: true });
    store.on('error', (error) => this.#warn('The queue reported an error.', error));
    await store.waitUntilReady();
    return store;
  }

  fetchOnAdd(): () => void {
    // The run loop is notified of added jobs immediately, so there is nothing to gain.
    return () => {};
  }

  started(job: InvocationJob): void {
    this.#usage.started(job.id ?? '');
  }

  released(job: InvocationJob): void {
    this.#usage.released(job.id ?? '');
  }

  /**
   * Adds all groups of one turn in one transaction; each group is accepted or refused on its own.
   */
  async add(groups: readonly JobGroup[], shares: Shares): Promise<(AppError | null)[]> {
    return Promise.all(groups.map((group) => this.#addGroup(group, shares)));
  }

  /** Jobs that are already in the queue are accepted even when the queue is full. */
  async #addGroup(group: JobGroup, shares: Shares): Promise<AppError | null> {
    const [first] = group;
    if (first === undefined) return null;
    const fresh = this.#usage.fresh(group);
    const refusal = this.#refusalOf(fresh, shares, first.overdraft);
    if (refusal !== null) return refusal;
    // Counted before they are stored, in the same turn, so that concurrent adds see the reduced
    // capacity.
    for (const job of fresh) this.#usage.enter(job);
    // All jobs of one group are of the same kind.
    const kind = queueKindOf(first.data);
    const jobs = group.map((job) => toStoredJob(job, this.#usage.times.take(kind, job.data.n)));
    let added: boolean[] = [];
    try {
      added = await this.#connection.call({ command: 'addJobs' }, 'addNewJobs', kind, jobs, OTHERS[kind]);
      return null;
    } catch (error) {
      return queueUnavailable(error);
    } finally {
      this.#count(group, fresh, added);
    }
  }

  #refusalOf(fresh: readonly NewJob[], shares: Shares, overdraft: number): AppError | null {
    if (fresh.length === 0) return null;
    if (!this.#usage.hasRoom(fresh, this.#limits, overdraft)) return queueFull(this.#limits);
    for (const [namespace, more] of usesOf(fresh)) {
      const share = shares.get(namespace);
      if (share === undefined) continue;
      const used = this.#usage.shareUse(namespace);
      const quota = exceededQuota(used, more, share, overdraft);
      if (quota !== null) return shareExceeded(quota, namespace, used[MEASURES[quota]], share);
    }
    return null;
  }

  /** Corrects the usage index: only the database knows which jobs were new. */
  #count(group: JobGroup, fresh: readonly NewJob[], added: readonly boolean[]): void {
    group.forEach((job, at) => {
      const isAdded = added[at] === true;
      if (isAdded) this.#usage.enter(job);
      else if (fresh.includes(job)) this.#usage.leave(job.id);
    });
  }

  ended(job: InvocationJob): void {
    this.#usage.leave(job.id ?? '');
    this.#usage.times.finished(queueKindOf(job.data), job.priority);
  }

  postponed(): void {
    // The job row has the number of attempts, which tells this job apart from a retry.
  }

  async remove(job: InvocationJob): Promise<boolean> {
    const kind = queueKindOf(job.data);
    return (await this.queues[kind].backend.remove(job.id ?? '', false)) > 0;
  }

  left(job: InvocationJob): void {
    this.#usage.leave(job.id ?? '');
  }

  async removed(namespace: Namespace, id: string): Promise<RemovedInvocation | null> {
    const removed = await this.#removals.find(id);
    return removed?.invocation.namespace === namespace ? removed : null;
  }

  onRemoved(handler: RemovedHandler): void {
    this.#removals.start(handler);
  }

  async requestCancel(id: string): Promise<void> {
    await write(this.#connection, 'INSERT OR IGNORE INTO orama_cancelled (id) VALUES (?)', [[id]]);
    this.#cancelRequests.emit('cancel', id);
  }

  async isCancelRequested(id: string): Promise<boolean> {
    return (await rowsOf(this.#connection, 'SELECT 1 FROM orama_cancelled WHERE id = ?', id)).length > 0;
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
    const rows = await rowsOf<[string]>(
      this.#connection,
      `SELECT id FROM job WHERE json_extract(opts, '$.n') = ? AND id < ? ORDER BY id DESC LIMIT ?`,
      namespace,
      cursor ?? '\uffff',
      limit,
    );
    const ids = rows.map(([id]) => id);
    return { ids, next: ids.length < limit ? null : (ids.at(-1) ?? null) };
  }

  counts(): Promise<QueueCounts> {
    return countJobs(this.#connection, this.#usage);
  }

  async use(namespace: Namespace): Promise<QueueUse> {
    return this.#usage.use(namespace);
  }

  async hasUnseen(kind: QueueKind, seen: ReadonlySet<string>): Promise<boolean> {
    const others = this.#usage.waitingNamespaces().filter((namespace) => !seen.has(namespace));
    if (others.length === 0) return false;
    const [found] = await rowsOf<[jobs: number, ready: number | null]>(
      this.#connection,
      READY_OF,
      ...[kind, Date.now(), JSON.stringify(others)],
    );
    const [jobs, ready] = found ?? [0, 0];
    return ready === 1 || jobs === READY_LIMIT;
  }

  openCrashJournal(): Promise<CrashJournal> {
    return FileCrashJournal.open(this.#dataDir);
  }

  async ping(): Promise<void> {
    await rowsOf(this.#connection, 'SELECT 1');
  }

  async close(): Promise<void> {
    await this.#setBack.close();
    await this.#removals.close();
    await Promise.all(this.#opened.map((queue) => queue.close()));
  }
}
