import type { RedisClient } from 'bullmq';
import type { AppError } from '../../../src/errors.js';
import { queueFull, queueUnavailable, type ShareQuota, shareRefusal } from '../../admission.js';
import type { JobGroup, QueueLimits, Shares } from '../../driver.js';
import { JOB_COST, MAX_PRIORITY } from '../../fairness.js';
import { queueKindOf } from '../../jobs.js';
import { addScript, headOf } from './add-script.js';
import type { Fetch, JobFetcher } from './batch-fetcher.js';
import { bullFunction } from './bull-scripts.js';
import type { RedisConnection } from './connect.js';
import { fetchFunction } from './fetch-script.js';
import type { UsageKeys } from './scripts.js';

/**
 * Redis must come to an add within this time, else nothing is added: shorter than what its caller
 * waits.
 */
const ADD_WITHIN_MS = 1500;

/**
 * 0: accepted; 1: too late; 2: the queue is full; else a quota that would be passed, its namespace,
 * and its use.
 */
type Code = number | string;

/** Adds jobs, and decides whether they may be added, in one command. */
export class RedisAdds {
  readonly #client: RedisClient;
  readonly #keys: UsageKeys;
  readonly #limits: QueueLimits;
  /** Of this process, the worker of calls that was started last. */
  #taker: JobFetcher | undefined;
  /** Redis' clock minus our monotonic one. */
  #offsetMs = 0;

  private constructor(client: RedisClient, keys: UsageKeys, limits: QueueLimits) {
    this.#client = client;
    this.#keys = keys;
    this.#limits = limits;
  }

  /** `connection` is one that BullMQ's queues use, `client` what they make of it. */
  static async open(
    connection: RedisConnection,
    client: RedisClient,
    keys: UsageKeys,
    limits: QueueLimits,
  ): Promise<RedisAdds> {
    const lua = addScript({
      prioritized: bullFunction(connection, 'addPrioritizedJob'),
      delayed: bullFunction(connection, 'addDelayedJob'),
      take: fetchFunction(connection),
    });
    connection.defineCommand('oramaAdd', { numberOfKeys: 2, lua });
    const adds = new RedisAdds(client, keys, limits);
    const [seconds, micros] = await connection.time();
    adds.#offsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - performance.now();
    return adds;
  }

  /**
   * Adds the jobs of the groups, each group whole or not at all; answers with the refusal of each,
   * if it was refused.
   */
  async add(groups: readonly JobGroup[], shares: Shares): Promise<(AppError | null)[]> {
    let verdicts: (AppError | null)[] = [];
    const add: Fetch = async (tokens) => {
      const [now, codes, taken] = await this.#run(groups, shares, tokens);
      this.#offsetMs = Number(now) - performance.now();
      verdicts = codes.map((code) => this.#verdict(code, shares));
      return taken;
    };
    const calls = this.#taker === undefined ? 0 : callsIn(groups);
    // Room for one more, to hear that there is none.
    if (this.#taker !== undefined && calls > 0) await this.#taker.take(calls + 1, add);
    else await add([]);
    return verdicts;
  }

  #verdict(code: Code, shares: Shares): AppError | null {
    if (code === 0) return null;
    if (typeof code === 'number') return code === 2 ? queueFull(this.#limits) : queueUnavailable();
    const [quota = '', namespace = '', used = ''] = code.split(' ');
    return shareRefusal(quota as ShareQuota, namespace, Number(used), shares.get(namespace));
  }

  #run(
    groups: readonly JobGroup[],
    shares: Shares,
    tokens: readonly string[],
  ): Promise<[now: string, codes: Code[], taken: unknown[]]> {
    const args: (string | number)[] = [
      this.#keys.prefix,
      this.#keys.usage,
      Math.round(performance.now() + this.#offsetMs + ADD_WITHIN_MS),
      this.#limits.maxWaiting,
      this.#limits.maxBytes,
      JOB_COST,
      MAX_PRIORITY,
      Date.now(),
      this.#taker?.lockMs ?? 0,
      tokens.join(' '),
      sharesText(shares),
    ];
    groups.forEach((group, index) => {
      for (const job of group) {
        const { data, opts } = job;
        const options = opts.attempts === undefined && opts.delay === undefined ? '' : JSON.stringify(opts);
        args.push(headOf(index + 1, job), JSON.stringify(data), options);
      }
    });
    return this.#client.runCommand('oramaAdd', args);
  }

  /** From now on calls are taken for this worker, too, as they are added. */
  takeFor(worker: JobFetcher): void {
    this.#taker = worker;
    worker.once('closing', () => {
      if (this.#taker === worker) this.#taker = undefined;
    });
  }
}

/** A blank between any two: names hold none. */
function sharesText(shares: Shares): string {
  let text = '';
  for (const [namespace, { waitingJobs, waitingBytes, delayedJobs }] of shares) {
    text += `${namespace} ${waitingJobs} ${waitingBytes} ${delayedJobs} `;
  }
  return text;
}

function callsIn(groups: readonly JobGroup[]): number {
  let calls = 0;
  for (const group of groups) for (const { data } of group) if (queueKindOf(data) === 'sync') calls++;
  return calls;
}
