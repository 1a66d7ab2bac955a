import type { RedisClient } from 'bullmq';
import type { AppError } from '../../../src/errors.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { queueFull, queueUnavailable, type ShareQuota, shareRefusal } from '../../admission.js';
import type { JobGroup, QueueLimits, Shares } from '../../driver.js';
import { JOB_COST, MAX_PRIORITY } from '../../fairness.js';
import { type NewJob, queueKindOf } from '../../jobs.js';
import { noteOf } from '../../removed-jobs.js';
import type { JobTaker } from '../../run-loop.js';
import { nextJobsOf } from './batching-backend.js';
import { commandOf, defineScripts } from './lua-scripts.js';
import type { UsageKeys } from './usage-index.js';

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

/** Adds jobs, and decides whether they may be added, in one command: see lua/addJobs-2.lua. */
export class RedisAdds {
  readonly #client: RedisClient;
  readonly #keys: UsageKeys;
  readonly #limits: QueueLimits;
  /** Of this process, the loop of sync jobs that was started last. */
  #taker: JobTaker | undefined;
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
    defineScripts(connection, ['addJobs-2']);
    const adds = new RedisAdds(client, keys, limits);
    const [seconds, micros] = await connection.time();
    adds.#offsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - performance.now();
    return adds;
  }

  /**
   * Adds the jobs of the groups, each group whole or not at all; answers with the refusal of each,
   * if it was refused. Sync jobs are handed to the loop of this process in the same step.
   */
  async add(groups: readonly JobGroup[], shares: Shares): Promise<(AppError | null)[]> {
    const taker = this.#taker;
    const syncJobs = taker === undefined ? 0 : syncJobsIn(groups);
    // Room for one more, to hear that there is none.
    const tokens = taker === undefined || syncJobs === 0 ? [] : taker.reserve(syncJobs + 1);
    let taken: unknown[] = [];
    try {
      const [now, codes, jobs] = await this.#run(groups, shares, tokens);
      this.#offsetMs = Number(now) - performance.now();
      taken = jobs;
      return codes.map((code) => this.#verdict(code, shares));
    } finally {
      taker?.deliver(tokens, nextJobsOf(taken));
    }
  }

  /** From now on sync jobs are taken for this loop, too, as they are added. */
  takeFor(loop: JobTaker): () => void {
    this.#taker = loop;
    return () => {
      if (this.#taker === loop) this.#taker = undefined;
    };
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
    return this.#client.runCommand(commandOf('addJobs'), args);
  }
}

/** What decides over a job, as one argument: names, ids and numbers hold no blank. */
function headOf(group: number, job: NewJob): string {
  const { name, data, opts } = job;
  return `${group} ${noteOf(job)} ${data.n} ${queueKindOf(data)} ${name} ${data.a} ${opts.delay ?? 0}`;
}

/** A blank between any two: names hold none. */
function sharesText(shares: Shares): string {
  let text = '';
  for (const [namespace, { waitingJobs, waitingBytes, delayedJobs }] of shares) {
    text += `${namespace} ${waitingJobs} ${waitingBytes} ${delayedJobs} `;
  }
  return text;
}

function syncJobsIn(groups: readonly JobGroup[]): number {
  let count = 0;
  for (const group of groups) for (const { data } of group) if (queueKindOf(data) === 'sync') count++;
  return count;
}
