import { createRedisBackend, type Processor, Queue, type RedisClient, type RedisQueueBackend } from 'bullmq';
import type { Namespace } from '../../../src/contract/ids.js';
import type { AppError } from '../../../src/errors.js';
import type { Closable } from '../../../src/ports/closable.js';
import type { QueueCounts } from '../../../src/ports/queue.js';
import { queueUnavailable } from '../../admission.js';
import type {
  BullQueue,
  BullWorker,
  BullWorkerOptions,
  InvocationJob,
  JobGroup,
  QueueDriver,
  QueueLimits,
  Warn,
} from '../../driver.js';
import { perLane } from '../../fairness.js';
import { type JobData, LANES, type Lane, laneOf, TICKS } from '../../jobs.js';
import { Adds } from './adds.js';
import { COMMAND_TIMEOUT_MS, closeRedis, type RedisConnection, type RedisServer } from './connect.js';
import { countJobs } from './counts.js';
import { Ledger } from './ledger.js';
import { Settling } from './settling.js';
import { defineTake } from './take-script.js';
import { Taker } from './taker.js';

/** In braces, so that all keys lie in one slot of a Redis Cluster and one transaction can hold them. */
const PREFIX = '{orama}';
const CANCEL_CHANNEL = `${PREFIX}:cancel`;
/** Somebody waits for these: they are taken as they are added when there is room. */
const CALLS: Lane = 'calls';
/** No attempt lasts longer than 300 s; a stalled one is taken over within seconds. */
const CANCEL_REMEMBERED_MS = 600_000;
/** BullMQ's event stream, which nobody reads here. */
const EVENTS = { events: { maxLen: 100 } };

/** BullMQ on Redis 7+, Valkey or Redis Cluster. */
export class RedisDriver implements QueueDriver {
  readonly name = 'redis';
  readonly lanes: Readonly<Record<Lane, BullQueue<JobData>>>;
  readonly ticks: BullQueue<unknown>;
  readonly #server: RedisServer;
  readonly #connection: RedisConnection;
  readonly #backends: Readonly<Record<Lane, RedisQueueBackend>>;
  readonly #client: RedisClient;
  readonly #adds: Adds;
  readonly #ledger: Ledger;
  readonly #opened: RedisConnection[] = [];
  #forWorkers: { connection: RedisConnection; settling: Settling } | undefined;
  readonly #further: Closable[] = [];
  readonly #warn: Warn;

  private constructor(parts: {
    server: RedisServer;
    connection: RedisConnection;
    lanes: Readonly<Record<Lane, BullQueue<JobData>>>;
    ticks: BullQueue<unknown>;
    backends: Readonly<Record<Lane, RedisQueueBackend>>;
    client: RedisClient;
    adds: Adds;
    ledger: Ledger;
    warn: Warn;
  }) {
    this.#server = parts.server;
    this.#connection = parts.connection;
    this.lanes = parts.lanes;
    this.ticks = parts.ticks;
    this.#backends = parts.backends;
    this.#client = parts.client;
    this.#adds = parts.adds;
    this.#ledger = parts.ledger;
    this.#warn = parts.warn;
  }

  static async open(
    server: RedisServer,
    connection: RedisConnection,
    limits: QueueLimits,
    warn: Warn,
  ): Promise<RedisDriver> {
    const options = { connection, prefix: PREFIX, streams: EVENTS };
    const lanes = perLane((lane) => new Queue<JobData, void>(lane, options, createRedisBackend));
    const ticks = new Queue<unknown, void>(TICKS, options);
    for (const queue of [...Object.values(lanes), ticks]) {
      queue.on('error', (error) => warn('Redis reports a fault.', error));
      await queue.waitUntilReady();
    }
    const backends = perLane((lane) => lanes[lane].getBackend());
    const client = await backends.invocations.client;
    const keys = { prefix: `${PREFIX}:`, ledger: `${PREFIX}:ledger:` };
    const ledger = new Ledger(connection, client, keys, warn);
    const adds = await Adds.open(connection, client, keys, limits);
    return new RedisDriver({
      server,
      connection,
      lanes: lanes as unknown as Record<Lane, BullQueue<JobData>>,
      ticks: ticks as unknown as BullQueue<unknown>,
      backends,
      client,
      adds,
      ledger,
      warn,
    });
  }

  async openQueue<D>(name: string): Promise<BullQueue<D>> {
    const queue = new Queue<D, void>(name, { connection: this.#connection, prefix: PREFIX, streams: EVENTS });
    queue.on('error', (error) => this.#warn('Redis reports a fault.', error));
    await queue.waitUntilReady();
    this.#further.push(queue);
    return queue as unknown as BullQueue<D>;
  }

  async createWorker<D>(
    queue: string,
    processor: Processor<D, void>,
    options: BullWorkerOptions,
  ): Promise<BullWorker<D>> {
    const { connection, settling } = this.#workersConnection();
    const worker = new Taker<D>(
      queue,
      processor,
      { ...options, connection, prefix: PREFIX },
      settling.createBackend,
    );
    if (queue === CALLS) this.#adds.takeFor(worker);
    worker.once('closing', () => stayClosed(worker.getBackend()));
    return worker;
  }

  /** For all workers of the process: what they settle at once leaves together. They wait for jobs on connections of their own. */
  #workersConnection(): { connection: RedisConnection; settling: Settling } {
    if (this.#forWorkers === undefined) {
      const connection = this.#server.patient();
      this.#opened.push(connection);
      // Each worker tells of it; between them, nobody else would listen.
      connection.on('error', () => {});
      defineTake(connection, this.#connection);
      this.#forWorkers = { connection, settling: new Settling(connection, this.#connection) };
    }
    return this.#forWorkers;
  }

  add(groups: readonly JobGroup[]): Promise<(AppError | null)[]> {
    return this.#adds.add(groups);
  }

  ended(job: InvocationJob): void {
    this.#ledger.ended(job);
  }

  postponed(id: string, until: number): void {
    // Only for the counts: a lost write shows the job as retrying for a while.
    this.#connection.zadd(`${PREFIX}:ledger:scheduled`, until, id).catch(() => {});
  }

  async remove(job: InvocationJob): Promise<boolean> {
    const id = job.id ?? '';
    const backend = this.#backends[laneOf(job.data)];
    const key = (type: string): string => backend.toKey(type);
    const transaction = this.#client.multi();
    // BullMQ answers 1 for a job that is not there, too.
    transaction.runCommand('exists', [key(id)]);
    backend.execCommand(transaction, 'removeJob', [key(id), key('repeat'), id, 0, key('')]);
    const results = await withinTimeout(transaction.exec());
    const removed = results?.[0]?.[1] === 1 && results[1]?.[1] === 1;
    if (removed) this.#ledger.left(job);
    return removed;
  }

  async requestCancel(id: string): Promise<void> {
    await this.#connection.set(`${CANCEL_CHANNEL}:${id}`, '1', 'PX', CANCEL_REMEMBERED_MS);
    await this.#connection.publish(CANCEL_CHANNEL, id);
  }

  async isCancelRequested(id: string): Promise<boolean> {
    return (await this.#connection.exists(`${CANCEL_CHANNEL}:${id}`)) === 1;
  }

  async onCancelRequest(handler: (id: string | null) => void): Promise<Closable> {
    const subscriber = this.#server.patient();
    this.#opened.push(subscriber);
    subscriber.on('error', () => {});
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
      `${PREFIX}:ledger:jobs:${namespace}`,
      cursor === undefined ? '+' : `(${cursor}`,
      '-',
      'LIMIT',
      0,
      limit,
    );
    const last = members.at(-1);
    return {
      ids: members.map((member) => member.slice(0, member.lastIndexOf(':'))),
      next: last === undefined || members.length < limit ? null : last,
    };
  }

  counts(): Promise<QueueCounts> {
    return countJobs(this.#connection, `${PREFIX}:`, `${PREFIX}:ledger:`);
  }

  async ping(): Promise<void> {
    await this.#connection.ping();
  }

  async close(): Promise<void> {
    await this.#ledger.close();
    await Promise.all(
      [...LANES.map((lane) => this.lanes[lane]), this.ticks, ...this.#further].map((queue) => queue.close()),
    );
    await Promise.all(this.#opened.map(closeRedis));
  }
}

/**
 * When its closing breaks off a command, BullMQ 6.7 connects to a cluster anew and then waits for that connection's end for ever.
 * It has a switch for that, which it throws too late.
 */
function stayClosed(backend: RedisQueueBackend): void {
  const { blockingConnection } = backend as unknown as {
    blockingConnection?: { disableBlockingClusterReconnect?(): void };
  };
  blockingConnection?.disableBlockingClusterReconnect?.();
}

/** ioredis gives up single commands after a while, but not a transaction whose answer never comes. */
async function withinTimeout<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(queueUnavailable()), COMMAND_TIMEOUT_MS);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
