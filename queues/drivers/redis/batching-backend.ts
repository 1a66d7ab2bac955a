import { setTimeout as sleep } from 'node:timers/promises';
import {
  RedisConnection as BullConnection,
  createIORedisClient,
  type IQueueBackend,
  isNotConnectionError,
  type JobJson,
  type MinimalJob,
  type QueueBaseOptions,
  QueueKeys,
  type RedisClient,
  RedisQueueBackend,
  raw2NextJobData,
  type WorkerOptions,
} from 'bullmq';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { Batcher } from '../../batcher.js';
import {
  type HeldRun,
  type JobStore,
  KEEP_NOTHING,
  MAX_JOBS_PER_COMMAND,
  type Marker,
  type NextJob,
} from '../../job-store.js';
import { commandOf, defineScripts } from './lua-scripts.js';

/** Longer than the longest wait for a job, which is 10 s, in milliseconds. */
const BLOCKING_SILENCE_MS = 15_000;
/** BullMQ's default for `lockDuration`. */
const DEFAULT_LOCK_MS = 30_000;
/** The delay after a refused command, in milliseconds. */
const REFUSED_MS = 1000;
/** The number of keys and of arguments of BullMQ's script moveToFinished. */
const KEYS = 14;
const ARGUMENTS = 9;

type Completion = Parameters<RedisQueueBackend['moveToCompleted']>;

interface EndedJob {
  job: Completion[0];
  keep: Completion[2];
  token: string;
  fetchNext: boolean;
}

/** The options that BullMQ workers set in addition to those of queues. */
type WorkerBackendOptions = QueueBaseOptions & { prefix?: string } & Partial<
    Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount'>
  >;

/** What BullMQ may use of a server whose version it does not check: see server-settings.ts. */
const CAPABILITIES = { canDoubleTimeout: true, canBlockFor1Ms: false };

/**
 * The connection that waits for jobs. BullMQ's own `reconnect` tries again when the connection is
 * closed meanwhile; nobody would close the connection that it then opens.
 */
class BlockingConnection extends BullConnection {
  constructor(client: RedisClient) {
    super(client, { shared: false, blocking: true, skipVersionCheck: true });
    // BullMQ sets those of its oldest version when it has connected, before others learn of it.
    void this.client.then(
      () => {
        this.capabilities = CAPABILITIES;
      },
      () => {},
    );
  }

  override async reconnect(): Promise<void> {
    const client = await this.client;
    if (this.closing) return;
    if (client.status === 'wait' || client.status === 'end') await client.connect();
    else await BullConnection.waitUntilReady(client);
  }
}

/** Defines the scripts of this backend on a connection, in addition to BullMQ's own. */
export function defineBatchScripts(connection: RedisConnection): void {
  defineScripts(connection, ['checkStalled-9', 'completeJobs-14', 'fetchJobs-1', 'renewLocks-1']);
}

/**
 * BullMQ's Redis backend with the same data layout, extended in three ways: it fetches several jobs
 * in one command; it completes all jobs that end in one turn of the event loop in one command; and
 * locks that expired while Redis was away are renewed. Jobs end in bursts because their log rows
 * are written together. Batching saves a tenth of the main thread's time and a twentieth of Redis'
 * time.
 */
export class BatchingBackend extends RedisQueueBackend implements JobStore {
  readonly #lockMs: number;
  readonly #completions = new Batcher<EndedJob, unknown>({
    send: (ended) => this.#complete(ended),
    fits: ([first, ...others], { keep, fetchNext }) =>
      others.length < MAX_JOBS_PER_COMMAND - 1 && first?.keep === keep && first.fetchNext === fetchNext,
    defer: process.nextTick,
  });

  #isDisconnected = false;
  /** Functions that end what waits for jobs or for the blocking connection. */
  readonly #waits = new Set<() => void>();

  private constructor(
    connection: BullConnection,
    blocking: BullConnection,
    name: string,
    options: WorkerBackendOptions,
  ) {
    const keys = new QueueKeys(options.prefix);
    const toKey = (type: string) => keys.toKey(name, type);
    super(connection, name, keys.getKeys(name), toKey, options, blocking);
    this.#lockMs = options.lockDuration ?? DEFAULT_LOCK_MS;
  }

  /**
   * Opens a backend on the caller's connection, which stays open, and on a blocking connection of
   * its own that waits for jobs.
   */
  static open(connection: RedisConnection, name: string, options: WorkerBackendOptions): BatchingBackend {
    // BullMQ's `getWorkers` finds the workers of a queue by this connection name.
    const connectionName = `${options.prefix ?? 'bull'}:${Buffer.from(name).toString('base64')}`;
    const client = createIORedisClient(connection);
    return new BatchingBackend(
      new BullConnection(connection, { shared: true, blocking: false, skipVersionCheck: true }),
      new BlockingConnection(client.duplicate({ connectionName, socketTimeout: BLOCKING_SILENCE_MS })),
      name,
      options,
    );
  }

  /** BullMQ's workers repeat a refused command at once, thousands of times a second. */
  override async moveToActive(token: string, name?: string): ReturnType<IQueueBackend['moveToActive']> {
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      // After a lost connection, they wait themselves.
      if (error instanceof Error && isNotConnectionError(error))
        await this.#untilDisconnected(() => sleep(REFUSED_MS, undefined, { ref: false }));
      throw error;
    }
  }

  async moveManyToActive(tokens: readonly string[]): Promise<NextJob[]> {
    const client = await this.client;
    const args = [this.toKey(''), Date.now(), this.#lockMs, ...tokens];
    return nextJobsOf(await client.runCommand(commandOf('fetchJobs'), args));
  }

  async renewLocks(runs: readonly HeldRun[]): Promise<string[]> {
    const client = await this.client;
    const locks = runs.flatMap(({ id, token, attemptsStarted }) => [id, token, attemptsStarted]);
    return client.runCommand(commandOf('renewLocks'), [this.toKey(''), this.#lockMs, ...locks]);
  }

  override async moveStalledJobsToWait(): ReturnType<IQueueBackend['moveStalledJobsToWait']> {
    const client = await this.client;
    const args = [...this.moveStalledJobsToWaitArgs(), this.#lockMs];
    return client.runCommand(commandOf('checkStalled'), args);
  }

  async returnMarker({ member, score }: Marker): Promise<void> {
    const client = await this.client;
    await client.runCommand('zadd', [this.keys.marker, score, member]);
  }

  async complete(job: MinimalJob, token: string, fetchNext: boolean): Promise<NextJob | null> {
    const { result } = await this.moveToCompleted(job, undefined, KEEP_NOTHING, token, fetchNext);
    return nextJobOf(result ?? []);
  }

  override async moveToCompleted<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    returnValue: R,
    keep: Completion[2],
    token: string,
    fetchNext: boolean,
  ): ReturnType<IQueueBackend['moveToCompleted']> {
    // Jobs of this project return no value. The batch script does not pass one, so a job that has
    // one is completed by BullMQ itself.
    if (returnValue !== undefined) {
      return super.moveToCompleted(job, returnValue, keep, token, fetchNext);
    }
    const answer = await this.#completions.add({ job, keep, token, fetchNext });
    if (typeof answer === 'number' && answer < 0) {
      const refused = { code: answer, jobId: job.id ?? '', command: 'moveToFinished', state: 'active' };
      throw this.finishedErrors(refused);
    }
    return { result: decoded(answer as unknown[]), finishedOn: Date.now() };
  }

  override waitForJob(seconds: number): ReturnType<IQueueBackend['waitForJob']> {
    return this.#untilDisconnected(() => super.waitForJob(seconds));
  }

  override async reconnectBlocking(): Promise<void> {
    await this.#untilDisconnected(() => super.reconnectBlocking());
  }

  #untilDisconnected<T>(work: () => Promise<T>): Promise<T | null> {
    if (this.#isDisconnected) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const end = () => resolve(null);
      this.#waits.add(end);
      void work()
        .then(resolve, reject)
        .finally(() => this.#waits.delete(end));
    });
  }

  /**
   * Ends the wait for jobs permanently. BullMQ's own method only interrupts the wait; a cluster
   * client then reconnects, and closing that connection never resolves. While Redis is unreachable,
   * closing a connection ends neither a wait for jobs nor one for the connection.
   */
  override async disconnectBlocking(): Promise<void> {
    this.#isDisconnected = true;
    for (const end of this.#waits) end();
    await this.blockingConnection?.close(true);
  }

  async #complete(ended: readonly EndedJob[]): Promise<unknown[]> {
    const [first] = ended;
    if (first === undefined) return [];
    const args = this.moveToCompletedArgs(first.job, undefined, first.keep, first.token, first.fetchNext);
    args[KEYS + ARGUMENTS - 1] ??= '';
    for (const { job, token } of ended) args.push(job.id ?? '', token);
    const client = await this.client;
    const answers = await client.runCommand(commandOf('completeJobs'), args);
    // Per job: a success flag, and the answer of BullMQ's own script.
    return ended.map((_, index) => {
      const result = answers[2 * index + 1];
      return answers[2 * index] === 1 ? result : new Error(String(result));
    });
  }
}

/**
 * Stands in for a job whose fields cannot be decoded. Its data is none that `isJobData` accepts.
 */
const UNDECODABLE = ['name', '', 'data', 'undecodable', 'opts', '{}', 'timestamp', '0'];

/**
 * Decodes the answers of the scripts that fetch jobs, one per requested job; empty answers are
 * dropped.
 */
export function nextJobsOf(answers: readonly unknown[]): NextJob[] {
  const jobs = answers.map((answer) => nextJobOf(decoded(answer as unknown[])));
  return jobs.filter((job) => job !== null);
}

/**
 * Returns the job, or the report of an empty queue, of a decoded answer; null if it has neither.
 */
function nextJobOf(answer: readonly unknown[]): NextJob | null {
  if (answer.length === 0) return null;
  const [json, id, rateLimitMs, nextDelayedAt] = answer;
  if (json) return { kind: 'job', json: json as JobJson, id: String(id) };
  return { kind: 'empty', rateLimitMs: Number(rateLimitMs) || 0, nextDelayedAt: Number(nextDelayedAt) || 0 };
}

/**
 * Decodes an answer. One whose job BullMQ cannot decode becomes a job with data that the run loop
 * refuses, since the other jobs of the same command must not be lost.
 */
function decoded(answer: unknown[]): ReturnType<typeof raw2NextJobData> {
  try {
    return raw2NextJobData(answer);
  } catch {
    return raw2NextJobData([UNDECODABLE, ...answer.slice(1)]);
  }
}
