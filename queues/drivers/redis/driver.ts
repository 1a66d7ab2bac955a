import {
  createRedisBackend,
  Job,
  type JobJson,
  type Processor,
  Queue,
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
import { KEY_PREFIX, type UsageKeys } from './key-prefix.js';
import { commandOf, defineScripts } from './lua-scripts.js';
import { UsageIndex } from './usage-index.js';
import { UsageSweep } from './usage-sweep.js';

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

type Parts = Awaited<ReturnType<typeof openParts>>;

async function openParts(server: RedisServer, connection: RedisConnection, limits: QueueLimits, warn: Warn) {
  // See server-settings.ts, which checks the version.
  const options = { connection, prefix: KEY_PREFIX, streams: EVENTS, skipVersionCheck: true };
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
  const keys: UsageKeys = { prefix: `${KEY_PREFIX}:`, usage: `${KEY_PREFIX}:usage:` };
  const usage = new UsageIndex(connection, client, keys, warn);
  const sweep = new UsageSweep({ connection, client, keys, usage, warn });
  const adds = await RedisAdds.open(connection, client, keys, limits);
  return { server, connection, queues, ticks, tasks, backends, client, keys, adds, usage, sweep, warn };
}

/** The queue driver for BullMQ on Redis 7 or later, Valkey and Redis Cluster. */
export class RedisDriver implements QueueDriver {
  readonly waitSeconds = POLL_INTERVAL_SECONDS;
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly tasks: BullQueue<string>;
  readonly adds: RedisAdds;
  readonly jobCounts: JobCounts;
  readonly #parts: Parts;
  readonly #cancelRequests: RedisCancelRequests;
  readonly #opened: RedisConnection[] = [];
  readonly #forWorkers = new Map<QueueKind, RedisConnection>();

  private constructor(parts: Parts) {
    this.queues = parts.queues;
    this.ticks = parts.ticks;
    this.tasks = parts.tasks;
    this.adds = parts.adds;
    this.jobCounts = parts.usage;
    this.#parts = parts;
    this.#cancelRequests = new RedisCancelRequests(parts.server, parts.connection, `${KEY_PREFIX}:cancel`);
  }

  static async open(...given: Parameters<typeof openParts>): Promise<RedisDriver> {
    return new RedisDriver(await openParts(...given));
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
    store.on('error', (error) => this.#parts.warn('Redis reported an error.', error));
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
    const connection = this.#parts.server.open('worker');
    this.#opened.push(connection);
    this.#forWorkers.set(kind, connection);
    defineBatchScripts(connection);
    return connection;
  }

  async remove(job: InvocationJob): Promise<boolean> {
    const id = job.id ?? '';
    const key = (type: string): string => this.#parts.backends[queueKindOf(job.data)].toKey(type);
    const keys = [key(id), key('repeat'), this.#parts.usage.cancellingKey(id)];
    const args = [...keys, id, 0, key(''), CANCELLING_MS];
    return (await this.#parts.client.runCommand(commandOf('removeJob'), args)) === 1;
  }

  async findCancelling(id: string): Promise<InvocationJob | null> {
    const fields = await this.#parts.connection.hgetall(this.#parts.usage.cancellingKey(id));
    if (fields.data === undefined) return null;
    const [json] = raw2NextJobData([Object.entries(fields).flat(), id]);
    return Job.fromJSON<JobData, void>(this.queues.async, json as JobJson, id);
  }

  endCancelling(id: string): void {
    // Lost, it expires.
    this.#parts.connection.unlink(this.#parts.usage.cancellingKey(id)).catch(() => {});
  }

  findRemoved(namespace: Namespace, id: string): Promise<RemovedInvocation | null> {
    return this.#parts.usage.findRemoved(namespace, id);
  }

  onRemoved(handler: RemovedHandler): void {
    this.#parts.sweep.onRemoved(handler);
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
    return this.#parts.usage.list(namespace, limit, cursor);
  }

  counts(): Promise<QueueCounts> {
    return countJobs(this.#parts.connection, this.#parts.keys);
  }

  use(namespace: Namespace): Promise<QueueUse> {
    return this.#parts.usage.use(namespace);
  }

  hasUnseen(kind: QueueKind, seen: ReadonlySet<string>): Promise<boolean> {
    return this.#parts.usage.hasUnseen(kind, seen);
  }

  openCrashJournal(): Promise<CrashJournal> {
    return RedisCrashJournal.open(this.#parts.connection);
  }

  async ping(): Promise<void> {
    // A write, because Redis still answers PING when it refuses new jobs.
    await this.#parts.connection.set(`${KEY_PREFIX}:health`, '1', 'PX', HEALTH_MS).catch((cause: unknown) => {
      throw refusedWrites(cause) ?? cause;
    });
  }

  async close(): Promise<void> {
    await this.adds.idle();
    this.#parts.sweep.close();
    await this.#parts.usage.close();
    await Promise.all(
      [...QUEUE_KINDS.map((kind) => this.queues[kind]), this.ticks, this.tasks].map((queue) => queue.close()),
    );
    await Promise.all([this.#cancelRequests.close(), ...this.#opened.map(closeRedis)]);
  }
}
