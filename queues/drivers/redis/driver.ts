import {
  createRedisBackend,
  type Processor,
  Queue,
  type RedisClient,
  type RedisQueueBackend,
  Worker,
} from 'bullmq';
import type { Namespace } from '../../../src/contract/ids.js';
import { AppError, messageOf } from '../../../src/errors.js';
import type { Closable } from '../../../src/ports/closable.js';
import type { QueueCounts, QueueUse, RemovedHandler, RemovedInvocation } from '../../../src/ports/queue.js';
import { closeRedis, type RedisConnection } from '../../../src/redis/connection.js';
import { COMMAND_TIMEOUT_MS, type RedisServer } from '../../../src/redis/server.js';
import { within } from '../../../src/within.js';
import { queueUnavailable } from '../../admission.js';
import type { CrashJournal } from '../../crash-journal.js';
import type {
  BullQueue,
  BullWorker,
  BullWorkerOptions,
  InvocationJob,
  JobGroup,
  QueueDriver,
  QueueLimits,
  QueueTimings,
  Shares,
  Warn,
} from '../../driver.js';
import { perQueue } from '../../fairness.js';
import type { JobStore } from '../../job-store.js';
import { type JobData, QUEUE_KINDS, type QueueKind, queueKindOf, TICKS } from '../../jobs.js';
import { nextTick } from '../../next-tick.js';
import type { JobTaker } from '../../run-loop.js';
import { RedisAdds } from './adds.js';
import { BatchingBackend, defineBatchScripts } from './batching-backend.js';
import { checkBullScripts } from './bull-checks.js';
import { countJobs } from './counts.js';
import { RedisCrashJournal } from './crash-journal.js';
import { UsageIndex } from './usage-index.js';

/**
 * In braces, so that all keys lie in one slot of a Redis Cluster and one transaction can hold them.
 */
const PREFIX = '{orama}';
const CANCEL_CHANNEL = `${PREFIX}:cancel`;
/** BullMQ never gives a stalled job up: the handler decides which crash is the last. */
const NEVER = 1_000_000;
/** A marker may be lost with the process that took it; then a job waits so long, seconds. */
const LOOK_EVERY_SECONDS = 5;
/** No attempt lasts longer than 300 s; a stalled one is taken over within seconds. */
const CANCEL_REMEMBERED_MS = 600_000;
/** What a health check writes is gone after this. */
const HEALTH_MS = 60_000;
/** By the word that Redis' refusal begins with. */
const REFUSED_WRITES: ReadonlyMap<string, string> = new Map([
  ['MISCONF', 'it cannot write its file; free space on its disk'],
  ['OOM', 'its memory is full; raise its maxmemory, or wait until jobs have ended'],
  ['READONLY', 'it is a replica; name the primary in REDIS_URL'],
  ['NOREPLICAS', 'it has fewer replicas than its min-replicas-to-write'],
]);

/** BullMQ's event stream, which nobody reads here. */
const EVENTS = { events: { maxLen: 100 } };

/** BullMQ on Redis 7+, Valkey or Redis Cluster. */
export class RedisDriver implements QueueDriver {
  readonly name = 'redis';
  readonly waitSeconds = LOOK_EVERY_SECONDS;
  readonly queues: Readonly<Record<QueueKind, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly #server: RedisServer;
  readonly #connection: RedisConnection;
  readonly #backends: Readonly<Record<QueueKind, RedisQueueBackend>>;
  readonly #client: RedisClient;
  readonly #adds: RedisAdds;
  readonly #usage: UsageIndex;
  readonly #opened: RedisConnection[] = [];
  readonly #forWorkers = new Map<QueueKind, RedisConnection>();
  readonly #further: Closable[] = [];
  readonly #warn: Warn;

  private constructor(parts: {
    server: RedisServer;
    connection: RedisConnection;
    kinds: Readonly<Record<QueueKind, BullQueue<JobData>>>;
    ticks: BullQueue<unknown>;
    backends: Readonly<Record<QueueKind, RedisQueueBackend>>;
    client: RedisClient;
    adds: RedisAdds;
    usage: UsageIndex;
    warn: Warn;
  }) {
    this.#server = parts.server;
    this.#connection = parts.connection;
    this.queues = parts.kinds;
    this.ticks = parts.ticks;
    this.#backends = parts.backends;
    this.#client = parts.client;
    this.#adds = parts.adds;
    this.#usage = parts.usage;
    this.#warn = parts.warn;
  }

  static async open(
    server: RedisServer,
    connection: RedisConnection,
    limits: QueueLimits,
    warn: Warn,
  ): Promise<RedisDriver> {
    const options = { connection, prefix: PREFIX, streams: EVENTS };
    const kinds = perQueue((kind) => new Queue<JobData, void>(kind, options, createRedisBackend));
    const ticks = new Queue<unknown, void>(TICKS, { ...options, settings: { repeatStrategy: nextTick } });
    for (const queue of [...Object.values(kinds), ticks]) {
      queue.on('error', (error) => warn('Redis reports a fault.', error));
      await queue.waitUntilReady();
    }
    checkBullScripts(connection.scriptsSet);
    const backends = perQueue((kind) => kinds[kind].getBackend());
    const client = await backends.async.client;
    const keys = { prefix: `${PREFIX}:`, usage: `${PREFIX}:usage:` };
    const usage = new UsageIndex(connection, client, keys, warn);
    const adds = await RedisAdds.open(connection, client, keys, limits);
    // BullMQ's types of a queue name its backend, which differs by store and is nobody's concern
    // here.
    return new RedisDriver({
      server,
      connection,
      kinds: kinds as unknown as Record<QueueKind, BullQueue<JobData>>,
      ticks: ticks as unknown as BullQueue<unknown>,
      backends,
      client,
      adds,
      usage,
      warn,
    });
  }

  async openQueue<D>(name: string): Promise<BullQueue<D>> {
    const queue = new Queue<D, void>(name, { connection: this.#connection, prefix: PREFIX, streams: EVENTS });
    queue.on('error', (error) => this.#warn('Redis reports a fault.', error));
    await queue.waitUntilReady();
    this.#further.push(queue);
    // As in `open`: the type of the backend is left behind.
    return queue as unknown as BullQueue<D>;
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
      { ...options, connection, prefix: PREFIX },
      (name, backendOptions) => BatchingBackend.open(connection, name, backendOptions),
    );
  }

  async openStore(kind: QueueKind, { lockMs, stalledCheckMs }: QueueTimings): Promise<JobStore> {
    const connection = this.#workersConnection(kind);
    const store = BatchingBackend.open(connection, kind, {
      connection,
      prefix: PREFIX,
      lockDuration: lockMs,
      stalledInterval: stalledCheckMs,
      maxStalledCount: NEVER,
    });
    store.on('error', (error) => this.#warn('Redis reports a fault.', error));
    await store.waitUntilReady();
    return store;
  }

  /** Somebody waits for sync jobs: they are taken as they are added when there is room. */
  takeOnAdd(kind: QueueKind, loop: JobTaker): () => void {
    return kind === 'sync' ? this.#adds.takeFor(loop) : () => {};
  }

  begun(): void {
    // BullMQ's list of active jobs tells how many run.
  }

  over(): void {}

  /**
   * One for sync jobs and one for all others: Redis works off what it has read from a connection
   * before it turns to the next, and a call would wait for the batches of events before it.
   */
  #workersConnection(kind: QueueKind): RedisConnection {
    const opened = this.#forWorkers.get(kind);
    if (opened !== undefined) return opened;
    const connection = this.#server.open('patient');
    this.#opened.push(connection);
    this.#forWorkers.set(kind, connection);
    defineBatchScripts(connection);
    return connection;
  }

  add(groups: readonly JobGroup[], shares: Shares): Promise<(AppError | null)[]> {
    return this.#adds.add(groups, shares);
  }

  ended(job: InvocationJob): void {
    this.#usage.ended(job);
  }

  postponed(id: string, until: number): void {
    // Only for the counts: a lost write shows the job as retrying for a while.
    this.#connection.zadd(`${PREFIX}:usage:scheduled`, until, id).catch(() => {});
  }

  async remove(job: InvocationJob): Promise<boolean> {
    const id = job.id ?? '';
    const backend = this.#backends[queueKindOf(job.data)];
    const key = (type: string): string => backend.toKey(type);
    const transaction = this.#client.multi();
    // BullMQ answers 1 for a job that is not there, too.
    transaction.runCommand('exists', [key(id)]);
    backend.execCommand(transaction, 'removeJob', [key(id), key('repeat'), id, 0, key('')]);
    const results = await withinTimeout(transaction.exec());
    const removed = results?.[0]?.[1] === 1 && results[1]?.[1] === 1;
    if (removed) this.#usage.left(job);
    return removed;
  }

  removed(namespace: Namespace, id: string): Promise<RemovedInvocation | null> {
    return this.#usage.removed(namespace, id);
  }

  onRemoved(handler: RemovedHandler): void {
    this.#usage.onRemoved(handler);
  }

  async requestCancel(id: string): Promise<void> {
    await this.#connection.set(`${CANCEL_CHANNEL}:${id}`, '1', 'PX', CANCEL_REMEMBERED_MS);
    await this.#connection.publish(CANCEL_CHANNEL, id);
  }

  async isCancelRequested(id: string): Promise<boolean> {
    return (await this.#connection.exists(`${CANCEL_CHANNEL}:${id}`)) === 1;
  }

  async onCancelRequest(handler: (id: string | null) => void): Promise<Closable> {
    const subscriber = this.#server.open('patient');
    this.#opened.push(subscriber);
    subscriber.on('message', (_channel: string, id: string) => handler(id));
    await subscriber.subscribe(CANCEL_CHANNEL);
    subscriber.on('ready', () => handler(null));
    return { close: () => closeRedis(subscriber) };
  }

  async list(
    namespace: Namespace,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ ids: string[]; next: string | null }> {
    const members = await this.#connection.zrevrangebylex(
      `${PREFIX}:usage:jobs:${namespace}`,
      cursor === undefined ? '+' : `(${cursor}`,
      '-',
      'LIMIT',
      0,
      limit,
    );
    const last = members.at(-1);
    return {
      ids: members.map((member) => member.slice(0, member.indexOf(':'))),
      next: last === undefined || members.length < limit ? null : last,
    };
  }

  counts(): Promise<QueueCounts> {
    return countJobs(this.#connection, `${PREFIX}:`, `${PREFIX}:usage:`);
  }

  use(namespace: Namespace): Promise<QueueUse> {
    return this.#usage.use(namespace);
  }

  namespaces(): Promise<number> {
    return this.#usage.namespaces();
  }

  openCrashJournal(): Promise<CrashJournal> {
    return RedisCrashJournal.open(this.#connection);
  }

  async ping(): Promise<void> {
    // A write: Redis answers a PING, too, when it takes no more jobs.
    await this.#connection.set(`${PREFIX}:health`, '1', 'PX', HEALTH_MS).catch((cause: unknown) => {
      throw takesNoWrites(cause) ?? cause;
    });
  }

  async close(): Promise<void> {
    await this.#usage.close();
    await Promise.all(
      [...QUEUE_KINDS.map((kind) => this.queues[kind]), this.ticks, ...this.#further].map((queue) =>
        queue.close(),
      ),
    );
    await Promise.all(this.#opened.map(closeRedis));
  }
}

/** Why Redis refuses writes though it answers, in words for the operator; null for other errors. */
function takesNoWrites(cause: unknown): AppError | null {
  const [word] = messageOf(cause).split(' ');
  const because = REFUSED_WRITES.get(word ?? '');
  if (because === undefined) return null;
  return new AppError('unavailable', `Redis takes no writes: ${because}.`, { cause });
}

/**
 * ioredis gives up single commands after a while, but not a transaction whose answer never comes.
 */
function withinTimeout<T>(promise: Promise<T>): Promise<T> {
  return within(COMMAND_TIMEOUT_MS, promise, () => queueUnavailable());
}
