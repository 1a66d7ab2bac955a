import type { RedisClient } from 'bullmq';
import { MB } from '../../../src/contract/limits.js';
import type { AppError } from '../../../src/errors.js';
import { type RedisConnection, wasNotExecuted } from '../../../src/redis/connection.js';
import type { BatchFetcher } from '../../batch-fetcher.js';
import { Batcher } from '../../batcher.js';
import type { Adds, JobGroup, LimitsByNamespace, QueueLimits } from '../../driver.js';
import { addTooLate, namespaceLimitExceeded, queueFull } from '../../errors.js';
import { JOB_COST, MAX_PRIORITY } from '../../fairness.js';
import { type NewJob, queueKindOf } from '../../job-data.js';
import { MAX_JOBS_PER_COMMAND } from '../../job-store.js';
import type { QueueQuota } from '../../queue-quota.js';
import { UnconfirmedAdd } from '../../unconfirmed-add.js';
import { nextJobsOf } from './batching-backend.js';
import type { UsageKeys } from './key-prefix.js';
import { commandOf, defineScripts } from './lua-scripts.js';
import { encodeUsageEntry } from './usage-entry.js';

/**
 * Redis must execute an add within this time, or it adds nothing. It is shorter than the time that
 * the caller waits, and with the margin below no longer than MAX_ADD_MS.
 */
const ADD_WITHIN_MS = 1500;
/** More than the error of the estimate of the Redis clock, which is a short round trip. */
const CLOCK_MARGIN_MS = 100;

/** The largest number of input bytes per command, so that a slow network does not delay a batch. */
const MAX_BYTES = 8 * MB;

/** The arguments of one call of `add`. */
interface Add {
  group: JobGroup;
  namespaceLimits: LimitsByNamespace;
  before: number;
}

/**
 * The result of one group: 0 accepted; 1 too late; 2 the queue is full; otherwise "<quota>
 * <namespace> <use>" for an exceeded quota.
 */
type Code = number | string;

/**
 * Adds the jobs of one turn of the event loop, within their limits, with as few commands as the
 * constants above allow: see lua/addJobs-2.lua. Decides which adds share a command and which come
 * too late for it, and what its outcome means for each of them.
 */
export class RedisAdds implements Adds {
  readonly #client: RedisClient;
  readonly #keys: UsageKeys;
  readonly #limits: QueueLimits;
  readonly #batches = new Batcher<Add, null>({
    send: (adds) => this.#sendInTime(adds),
    fits: fitsCommand,
    defer: setImmediate,
  });
  /** Of the run loops for sync jobs in this process, the one that was started last. */
  #fetcher: BatchFetcher | undefined;
  /** The Redis clock minus the monotonic clock of this process, in milliseconds. */
  #offsetMs = 0;

  private constructor(client: RedisClient, keys: UsageKeys, limits: QueueLimits) {
    this.#client = client;
    this.#keys = keys;
    this.#limits = limits;
  }

  /**
   * @param connection The connection that BullMQ's queues use.
   * @param client BullMQ's client on that connection.
   */
  static async open(
    connection: RedisConnection,
    client: RedisClient,
    keys: UsageKeys,
    limits: QueueLimits,
  ): Promise<RedisAdds> {
    defineScripts(connection, ['addJobs-2']);
    const adds = new RedisAdds(client, keys, limits);
    const [seconds, micros] = await connection.time();
    adds.#offsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - performance.now();
    return adds;
  }

  /**
   * The command that adds the group also fetches sync jobs for the run loop of this process.
   * Rejects with `UnconfirmedAdd` if Redis may have executed it although no response arrived.
   */
  async add(group: JobGroup, namespaceLimits: LimitsByNamespace, before: number): Promise<void> {
    await this.#batches.add({ group, namespaceLimits, before });
  }

  /** Lets adds fetch sync jobs too. Returns a function that ends this. */
  fetchOnAdd(fetcher: BatchFetcher): () => void {
    this.#fetcher = fetcher;
    return () => {
      if (this.#fetcher === fetcher) this.#fetcher = undefined;
    };
  }

  /** Resolves when all adds so far have been answered. */
  idle(): Promise<void> {
    return this.#batches.idle();
  }

  async #sendInTime(adds: readonly Add[]): Promise<(AppError | null)[]> {
    const now = performance.now();
    const inTime = adds.filter(({ before }) => now < before);
    const answers = inTime.length === 0 ? [] : await this.#send(inTime);
    if (inTime.length === adds.length) return answers;
    return adds.map(({ before }) => (now < before ? (answers.shift() ?? null) : addTooLate()));
  }

  /** Resolves with null or the refusal of each add. Rejects when none was accepted. */
  async #send(adds: readonly Add[]): Promise<(AppError | null)[]> {
    const groups = adds.map(({ group }) => group);
    const namespaceLimits = new Map(adds.flatMap((add) => [...add.namespaceLimits]));
    const fetcher = this.#fetcher;
    const syncJobs = fetcher === undefined ? 0 : syncJobsIn(groups);
    // One token more than jobs, so that fetchJobs.lua meets the empty queue and removes its marker.
    const tokens = fetcher === undefined || syncJobs === 0 ? [] : fetcher.reserve(syncJobs + 1);
    let fetched: unknown[] = [];
    const sentAt = performance.now();
    try {
      const [now, codes, jobs] = await this.#run(groups, namespaceLimits, {
        tokens,
        lockMs: fetcher?.lockMs ?? 0,
      });
      this.#correctOffset(Number(now), sentAt, performance.now());
      fetched = jobs;
      return codes.map((code) => this.#verdict(code, namespaceLimits));
    } catch (error) {
      if (wasNotExecuted(error)) throw error;
      throw new UnconfirmedAdd(sentAt + ADD_WITHIN_MS + CLOCK_MARGIN_MS, error);
    } finally {
      fetcher?.deliver(tokens, nextJobsOf(fetched));
    }
  }

  /**
   * Redis read its clock between the two times of this process. Only an offset that contradicts
   * that is changed: taken from the later time, a response that was read late (a busy event loop, a
   * slow sync of Redis, a lost packet) would refuse the next add as too late.
   */
  #correctOffset(redisMs: number, sentAt: number, receivedAt: number): void {
    this.#offsetMs = Math.min(Math.max(this.#offsetMs, redisMs - receivedAt), redisMs - sentAt);
  }

  #verdict(code: Code, namespaceLimits: LimitsByNamespace): AppError | null {
    if (code === 0) return null;
    if (typeof code === 'number') return code === 2 ? queueFull(this.#limits) : addTooLate();
    const [quota = '', namespace = '', used = ''] = code.split(' ');
    return namespaceLimitExceeded(
      quota as QueueQuota,
      namespace,
      Number(used),
      namespaceLimits.get(namespace),
    );
  }

  #run(
    groups: readonly JobGroup[],
    namespaceLimits: LimitsByNamespace,
    { tokens, lockMs }: { tokens: readonly string[]; lockMs: number },
  ): Promise<[now: string, codes: Code[], fetched: unknown[]]> {
    const args: (string | number)[] = [
      this.#keys.prefix,
      this.#keys.usage,
      Math.round(performance.now() + this.#offsetMs + ADD_WITHIN_MS),
      this.#limits.maxWaiting,
      this.#limits.maxBytes,
      JOB_COST,
      MAX_PRIORITY,
      Date.now(),
      lockMs,
      tokens.join(' '),
      limitsText(namespaceLimits),
    ];
    groups.forEach((group, index) => {
      for (const job of group) {
        const { data, opts } = job;
        const options = opts.attempts === undefined && opts.delay === undefined ? '' : JSON.stringify(opts);
        args.push(headOf(index + 1, job), JSON.stringify(data), options);
      }
    });
    return this.#client.runCommand(commandOf('addJobs'), args);
  }
}

/**
 * Encodes what the script needs to decide about a job as one argument. Names, ids and numbers
 * contain no spaces.
 */
function headOf(group: number, job: NewJob): string {
  const { name, data, opts } = job;
  return `${group} ${encodeUsageEntry(job)} ${data.n} ${queueKindOf(data)} ${name} ${data.a} ${opts.delay ?? 0} ${job.overdraft}`;
}

/** Encodes the limits as space-separated fields; names contain no spaces. */
function limitsText(namespaceLimits: LimitsByNamespace): string {
  let text = '';
  for (const [namespace, { waitingJobs, waitingBytes, delayedJobs }] of namespaceLimits) {
    text += `${namespace} ${waitingJobs} ${waitingBytes} ${delayedJobs} `;
  }
  return text;
}

function syncJobsIn(groups: readonly JobGroup[]): number {
  let count = 0;
  for (const group of groups) for (const { data } of group) if (queueKindOf(data) === 'sync') count++;
  return count;
}

function fitsCommand(adds: readonly Add[], add: Add): boolean {
  let jobs = 0;
  let bytes = 0;
  for (const { group } of [...adds, add]) {
    jobs += group.length;
    for (const { data } of group) bytes += data.s;
  }
  return jobs <= MAX_JOBS_PER_COMMAND && bytes <= MAX_BYTES;
}
