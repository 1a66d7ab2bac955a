import {
  createRedisBackend,
  Job,
  type JobJson,
  type Processor,
  Queue,
  type RedisClient,
  type RedisQueueBackend,
  raw2NextJobData,
  Worker,
} from 'bullmq';
import type { Namespace } from '../../../src/contract/ids.js';
import type { Closable } from '../../../src/ports/closable.js';
import type { QueueCounts, QueueUse, RemovedHandler, RemovedInvocation } from '../../../src/ports/queue.js';
import { closeRedis, type RedisConnection } from '../../../src/redis/connection.js';
import { refusedWrites } from '../../../src/redis/refused-writes.js';
import type { RedisServer } from '../../../src/redis/server.js';
import type { BatchFetcher } from '../../batch-fetcher.js';
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
import { perQueue, QUEUE_KINDS, type QueueKind, TASKS, TICKS } from '../../queue-names.js';
import { lockOptions, type QueueTimings } from '../../timings.js';
import type { Warn } from '../../warn.js';
import { RedisAdds } from './adds.js';
import { BatchingBackend, defineBatchScripts } from './batching-backend.js';
import { checkBullScripts } from './bull-checks.js';
import { RedisCancelRequests } from './cancel-requests.js';
import { countJobs } from './counts.js';
import { RedisCrashJournal } from './crash-journal.js';
import { KEY_PREFIX } from './key-prefix.js';
import { commandOf, defineScripts } from './lua-scripts.js';
import { UsageIndex } from './usage-index.js';

/**
 * A marker can be lost with the process that took it; a job then waits at most this long, in
 * seconds.
 */
const POLL_INTERVAL_SECONDS = 5;
/** The lifetime of the key that a health check writes. */
const HEALTH_MS = 60_000;
/**
 * How long other processes leave a job to the process that cancels it, in milliseconds. Recording
 * its end takes a few, or as long as the store may take.
 */
const CANCELLING_MS = 30_000;
/** Keeps BullMQ's event stream short: this project does not read it. */
const EVENTS = { events: { maxLen: 100 } };

/** The queue driver for BullMQ on Redis 7 or later, Valkey and Redis Cluster. */
export class RedisDriver implements QueueDriver {
  readonly waitSeconds = POLL_INTERVAL_SECONDS;
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly tasks: BullQueue<string>;
  readonly adds: RedisAdds;
  readonly jobCounts: JobCounts;
  readonly #usage: UsageIndex;
  readonly #server: RedisServer;
  readonly #connection: RedisConnection;
  readonly #backends: Readonly<Record<QueueKind, RedisQueueBackend>>;
  readonly #client: RedisClient;
  readonly #cancelRequests: RedisCancelRequests;
  readonly #opened: RedisConnection[] = [];
  readonly #forWorkers = new Map<QueueKind, RedisConnection>();
  readonly #warn: Warn;

  private constructor(parts: {
    server: RedisServer;
    connection: RedisConnection;
    queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
    ticks: BullQueue<unknown>;
    tasks: BullQueue<string>;
    backends: Readonly<Record<QueueKind, RedisQueueBackend>>;
    client: RedisClient;
    adds: RedisAdds;
    usage: UsageIndex;
    warn: Warn;
  }) {
    this.#server = parts.server;
    this.#connection = parts.connection;
    this.queues = parts.queues;
    this.ticks = parts.ticks;
    this.tasks = parts.tasks;
    this.#backends = parts.backends;
    this.#client = parts.client;
    this.adds = parts.adds;
    this.jobCounts = parts.usage;
    this.#usage = parts.usage;
    this.#cancelRequests = new RedisCancelRequests(parts.server, parts.connection, `${KEY_PREFIX}:cancel`);
    this.#warn = parts.warn;
  }

  static async open(
    server: RedisServer,
    connection: RedisConnection,
    limits: QueueLimits,
    warn: Warn,
  ): Promise<RedisDriver> {
    const options = { connection, prefix: KEY_PREFIX, streams: EVENTS };
    const queues = perQueue((kind) => new Queue<JobData, void>(kind, options, createRedisBackend));
    const ticks = new Queue<unknown, void>(TICKS, {
      ...options,
      settings: { repeatStrategy: cronRepeatStrategy },
    });
    const tasks = new Queue<string, void>(TASKS, options);
    for (const queue of [...Object.values(queues), ticks, tasks]) {
      queue.on('error', (error) => warn('Redis reported an error.', error));
      await queue.waitUntilReady();
    }
    checkBullScripts(connection.scriptsSet);
    defineScripts(connection, ['removeJob-3']);
    const backends = perQueue((kind) => queues[kind].getBackend());
    const client = await backends.async.client;
    const keys = { prefix: `${KEY_PREFIX}:`, usage: `${KEY_PREFIX}:usage:` };
    const usage = new UsageIndex(connection, client, keys, warn);
    const adds = await RedisAdds.open(connection, client, keys, limits);
    return new RedisDriver({
      server,
      connection,
      queues,
      ticks,
      tasks,
      backends,
      client,
      adds,
      usage,
      warn,
    });
  }

  async createWorker<D>(
    queue: string,
    processor: Processor<D, void>,
    options: BullWorkerOptions,
  ): Promise<BullWorker<D>> {
    const connection = this.#workersConnection('async');
    return new Worker<D, void>(
      queue,
      processor,
      { ...options, connection, prefix: KEY_PREFIX },
      (name, backendOptions) => BatchingBackend.open(connection, name, backendOptions),
    );
  }

  async openStore(kind: QueueKind, timings: QueueTimings): Promise<JobStore> {
    const connection = this.#workersConnection(kind);
    const store = BatchingBackend.open(connection, kind, {
      connection,
      prefix: KEY_PREFIX,
      ...lockOptions(timings),
    });
    store.on('error', (error) => this.#warn('Redis reported an error.', error));
    await store.waitUntilReady();
    return store;
  }

  /**
   * Only sync jobs have a waiting caller, so only they are fetched by the command that adds them.
   */
  fetchOnAdd(kind: QueueKind, fetcher: BatchFetcher): () => void {
    return kind === 'sync' ? this.adds.fetchOnAdd(fetcher) : () => {};
  }

  /**
   * Returns the connection that workers of this kind use: one for sync jobs, one for all others.
   * Redis executes the commands it has read from one connection before it reads from the next, so a
   * sync call on a shared connection would wait for the batches of events before it.
   */
  #workersConnection(kind: QueueKind): RedisConnection {
    const opened = this.#forWorkers.get(kind);
    if (opened !== undefined) return opened;
    const connection = this.#server.open('worker');
    this.#opened.push(connection);
    this.#forWorkers.set(kind, connection);
    defineBatchScripts(connection);
    return connection;
  }

  async remove(job: InvocationJob): Promise<boolean> {
    const id = job.id ?? '';
    const key = (type: string): string => this.#backends[queueKindOf(job.data)].toKey(type);
    const keys = [key(id), key('repeat'), this.#usage.cancellingKey(id)];
    const args = [...keys, id, 0, key(''), CANCELLING_MS];
    return (await this.#client.runCommand(commandOf('removeJob'), args)) === 1;
  }

  async findCancelling(id: string): Promise<InvocationJob | null> {
    const fields = await this.#connection.hgetall(this.#usage.cancellingKey(id));
    if (fields.data === undefined) return null;
    const [json] = raw2NextJobData([Object.entries(fields).flat(), id]);
    return Job.fromJSON<JobData, void>(this.queues.async, json as JobJson, id);
  }

  endCancelling(id: string): void {
    // Lost, it expires.
    this.#connection.unlink(this.#usage.cancellingKey(id)).catch(() => {});
  }

  findRemoved(namespace: Namespace, id: string): Promise<RemovedInvocation | null> {
    return this.#usage.findRemoved(namespace, id);
  }

  onRemoved(handler: RemovedHandler): void {
    this.#usage.onRemoved(handler);
  }

  requestCancel(id: string): Promise<void> {
    return this.#cancelRequests.request(id);
  }

  isCancelRequested(id: string): Promise<boolean> {
    return this.#cancelRequests.isRequested(id);
  }

  onCancelRequest(handler: (id: string | null) => void): Promise<Closable> {
    return this.#cancelRequests.onRequest(handler);
  }

  list(
    namespace: Namespace,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ ids: string[]; next: string | null }> {
    return this.#usage.list(namespace, limit, cursor);
  }

  counts(): Promise<QueueCounts> {
    return countJobs(this.#connection, `${KEY_PREFIX}:`, `${KEY_PREFIX}:usage:`);
  }

  use(namespace: Namespace): Promise<QueueUse> {
    return this.#usage.use(namespace);
  }

  hasUnseen(kind: QueueKind, seen: ReadonlySet<string>): Promise<boolean> {
    return this.#usage.hasUnseen(kind, seen);
  }

  openCrashJournal(): Promise<CrashJournal> {
    return RedisCrashJournal.open(this.#connection);
  }

  async ping(): Promise<void> {
    // A write, because Redis still answers PING when it refuses new jobs.
    await this.#connection.set(`${KEY_PREFIX}:health`, '1', 'PX', HEALTH_MS).catch((cause: unknown) => {
      throw refusedWrites(cause) ?? cause;
    });
  }

  async close(): Promise<void> {
    await this.adds.idle();
    await this.#usage.close();
    await Promise.all(
      [...QUEUE_KINDS.map((kind) => this.queues[kind]), this.ticks, this.tasks].map((queue) => queue.close()),
    );
    await Promise.all([this.#cancelRequests.close(), ...this.#opened.map(closeRedis)]);
  }
}
