import {
  RedisConnection as BullConnection,
  createIORedisClient,
  type IQueueBackend,
  type MinimalJob,
  type QueueBaseOptions,
  QueueKeys,
  RedisQueueBackend,
  raw2NextJobData,
  type WorkerOptions,
} from 'bullmq';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { Batcher } from '../../batcher.js';
import { type JobStore, type Marker, type NextJob, nextJobOf } from '../../job-store.js';
import { commandOf, defineScripts } from './lua-scripts.js';

/** More in one command would hold Redis up for everybody else. */
const MAX_AT_ONCE = 32;
/** BullMQ's own. */
const DEFAULT_LOCK_MS = 30_000;
/** Of BullMQ's moveToFinished: how many keys it has, and how many arguments. */
const KEYS = 14;
const ARGUMENTS = 9;

type Completion = Parameters<RedisQueueBackend['moveToCompleted']>;

interface Ended {
  job: Completion[0];
  keep: Completion[2];
  token: string;
  fetchNext: boolean;
}

/** What workers set beside the options of queues. */
type WorkerBackendOptions = QueueBaseOptions & { prefix?: string } & Partial<
    Pick<WorkerOptions, 'lockDuration' | 'stalledInterval' | 'maxStalledCount'>
  >;

/** Defines on a connection what the backend runs there, beside what BullMQ defines itself. */
export function defineBatchScripts(connection: RedisConnection): void {
  defineScripts(connection, ['takeJobs-1', 'completeJobs-14']);
}

/**
 * BullMQ's backend on Redis with the same contents, which takes several jobs in one command and
 * takes those out of the queue in one command that end in the same turn of the event loop. They end
 * in bursts, as their log rows are written together: a tenth less for this process's main thread, a
 * twentieth for Redis.
 */
export class BatchingBackend extends RedisQueueBackend implements JobStore {
  readonly #lockMs: number;
  readonly #completions = new Batcher<Ended, unknown>({
    send: (ended) => this.#complete(ended),
    fits: ([first, ...others], { keep, fetchNext }) =>
      others.length < MAX_AT_ONCE - 1 && first?.keep === keep && first.fetchNext === fetchNext,
    defer: process.nextTick,
  });

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

  /** On a connection of the caller's, which stays open, and one of its own to wait for jobs on. */
  static open(connection: RedisConnection, name: string, options: WorkerBackendOptions): BatchingBackend {
    // By this name BullMQ's `getWorkers` finds the workers of a queue.
    const connectionName = `${options.prefix ?? 'bull'}:${Buffer.from(name).toString('base64')}`;
    const client = createIORedisClient(connection);
    return new BatchingBackend(
      new BullConnection(connection, { shared: true, blocking: false }),
      new BullConnection(client.duplicate({ connectionName }), { shared: false, blocking: true }),
      name,
      options,
    );
  }

  async moveManyToActive(tokens: readonly string[]): Promise<NextJob[]> {
    const client = await this.client;
    const args = [this.toKey(''), Date.now(), this.#lockMs, ...tokens];
    return nextJobsOf(await client.runCommand(commandOf('takeJobs'), args));
  }

  async returnMarker({ member, score }: Marker): Promise<void> {
    const client = await this.client;
    await client.runCommand('zadd', [this.keys.marker, score, member]);
  }

  override async moveToCompleted<T, R, N extends string>(
    job: MinimalJob<T, R, N>,
    returnValue: R,
    keep: Completion[2],
    token: string,
    fetchNext: boolean,
  ): ReturnType<IQueueBackend['moveToCompleted']> {
    // None of our jobs returns anything. What one returned would have to go with it.
    if (returnValue !== undefined) {
      return super.moveToCompleted(job, returnValue, keep, token, fetchNext);
    }
    const answer = await this.#completions.add({ job, keep, token, fetchNext });
    if (typeof answer === 'number' && answer < 0) {
      const refused = { code: answer, jobId: job.id ?? '', command: 'moveToFinished', state: 'active' };
      throw this.finishedErrors(refused);
    }
    return { result: raw2NextJobData(answer as unknown[]), finishedOn: Date.now() };
  }

  /**
   * Ends the wait for jobs for good. BullMQ's own only breaks it off, upon which a cluster is
   * connected to anew, and that connection's end is waited for without end.
   */
  override async disconnectBlocking(): Promise<void> {
    await this.blockingConnection?.close(true);
  }

  async #complete(ended: readonly Ended[]): Promise<unknown[]> {
    const [first] = ended;
    if (first === undefined) return [];
    const args = this.moveToCompletedArgs(first.job, undefined, first.keep, first.token, first.fetchNext);
    args[KEYS + ARGUMENTS - 1] ??= '';
    for (const { job, token } of ended) args.push(job.id ?? '', token);
    const client = await this.client;
    const answers = await client.runCommand(commandOf('completeJobs'), args);
    // For each whether it succeeded, and what BullMQ's own script answers.
    return ended.map((_, index) => {
      const result = answers[2 * index + 1];
      return answers[2 * index] === 1 ? result : new Error(String(result));
    });
  }
}

/** What the scripts answer that take jobs, one for each. */
export function nextJobsOf(answers: readonly unknown[]): NextJob[] {
  const jobs = answers.map((answer) => nextJobOf(raw2NextJobData(answer as unknown[])));
  return jobs.filter((job) => job !== null);
}
