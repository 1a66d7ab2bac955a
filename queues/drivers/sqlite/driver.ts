import { EventEmitter } from 'node:events';
import { type Processor, type QueueOptions, withBackend } from 'bullmq';
import type { Namespace } from '../../../src/contract/ids.js';
import type { Closable } from '../../../src/ports/closable.js';
import type { QueueCounts, QueueUse, RemovedHandler, RemovedInvocation } from '../../../src/ports/queue.js';
import { onClockSetBack } from '../../clock-set-back.js';
import type { CrashJournal } from '../../crash-journal.js';
import { cronRepeatStrategy } from '../../cron-repeat-strategy.js';
import type {
  BullQueue,
  BullWorker,
  BullWorkerOptions,
  JobCounts,
  QueueDriver,
  QueueLimits,
} from '../../driver.js';
import { type InvocationJob, type JobData, queueKindOf } from '../../job-data.js';
import type { JobStore } from '../../job-store.js';
import { perQueue, type QueueKind, TASKS, TICKS } from '../../queue-names.js';
import { lockOptions, type QueueTimings } from '../../timings.js';
import type { Warn } from '../../warn.js';
import { SqliteAdds } from './adds.js';
import type { SqliteConnection } from './backend/connection.js';
import { createSqliteBackend } from './backend/create-backend.js';
import { STATE } from './backend/schema.js';
import { countJobs } from './counts.js';
import { FileCrashJournal } from './crash-journal.js';
import { Removals } from './removals.js';
import { rowsOf, write } from './tables.js';
import type { UsageIndex } from './usage-index.js';

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

/**
 * The embedded queue, in a file in the data directory. It supports exactly one process and needs no
 * server.
 */
export class SqliteDriver implements QueueDriver {
  readonly waitSeconds = POLL_INTERVAL_SECONDS;
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly tasks: BullQueue<string>;
  readonly adds: SqliteAdds;
  readonly jobCounts: JobCounts;
  readonly #usage: UsageIndex;
  readonly #connection: SqliteConnection;
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
    this.jobCounts = usage;
    this.#usage = usage;
    this.adds = new SqliteAdds(connection, usage, limits);
    this.#warn = warn;
    this.#dataDir = dataDir;
    this.#removals = new Removals(connection, (id) => usage.leave(id), warn);
    this.queues = perQueue((kind) => this.#open<JobData>(kind));
    this.ticks = this.#open<unknown>(TICKS, { settings: { repeatStrategy: cronRepeatStrategy } });
    this.tasks = this.#open<string>(TASKS);
    this.#setBack = onClockSetBack(() => void this.shortenDelays());
  }

  /** A delay of some seconds ends after some seconds, even if the clock was set back by an hour. */
  async shortenDelays(): Promise<void> {
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

  async remove(job: InvocationJob): Promise<boolean> {
    const kind = queueKindOf(job.data);
    return (await this.queues[kind].backend.remove(job.id ?? '', false)) > 0;
  }

  /** Only one process uses the queue; it knows which jobs it cancels. */
  async findCancelling(): Promise<null> {
    return null;
  }

  endCancelling(): void {}

  async findRemoved(namespace: Namespace, id: string): Promise<RemovedInvocation | null> {
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
