import type { RedisClient } from 'bullmq';
import type { AppError } from '../../../src/errors.js';
import { queueFull, queueUnavailable } from '../../admission.js';
import type { JobGroup, QueueLimits } from '../../driver.js';
import { MAX_PRIORITY, TURN_COST } from '../../fairness.js';
import { addScript, headOf } from './add-script.js';
import { bullFunction } from './bull-scripts.js';
import type { RedisConnection } from './connect.js';
import type { LedgerKeys } from './scripts.js';

/** Redis must come to an add within this time, else nothing is added: shorter than what its caller waits. */
const ADD_WITHIN_MS = 1500;

/** Adds jobs, and decides whether they may be added, in one command. */
export class Adds {
  readonly #client: RedisClient;
  readonly #keys: LedgerKeys;
  readonly #limits: QueueLimits;
  /** Redis' clock minus our monotonic one. */
  #offsetMs = 0;

  private constructor(client: RedisClient, keys: LedgerKeys, limits: QueueLimits) {
    this.#client = client;
    this.#keys = keys;
    this.#limits = limits;
  }

  /** `connection` is one that BullMQ's queues use, `client` what they make of it. */
  static async open(
    connection: RedisConnection,
    client: RedisClient,
    keys: LedgerKeys,
    limits: QueueLimits,
  ): Promise<Adds> {
    const lua = addScript({
      prioritized: bullFunction(connection, 'addPrioritizedJob'),
      delayed: bullFunction(connection, 'addDelayedJob'),
    });
    connection.defineCommand('oramaAdd', { numberOfKeys: 2, lua });
    const adds = new Adds(client, keys, limits);
    const [seconds, micros] = await connection.time();
    adds.#setServerTime(Number(seconds) * 1000 + Number(micros) / 1000);
    return adds;
  }

  /** Adds the jobs of the groups, each group whole or not at all; answers with the refusal of each, if it was refused. */
  async add(groups: readonly JobGroup[]): Promise<(AppError | null)[]> {
    const args: (string | number)[] = [
      this.#keys.prefix,
      this.#keys.ledger,
      Math.round(performance.now() + this.#offsetMs + ADD_WITHIN_MS),
      this.#limits.maxWaiting,
      this.#limits.maxBytes,
      TURN_COST,
      MAX_PRIORITY,
    ];
    groups.forEach((group, index) => {
      for (const job of group) {
        const { data, opts } = job;
        const options = opts.attempts === undefined && opts.delay === undefined ? '' : JSON.stringify(opts);
        args.push(headOf(index + 1, job), JSON.stringify(data), options);
      }
    });
    const [now, ...codes]: number[] = await this.#client.runCommand('oramaAdd', args);
    this.#setServerTime(Number(now));
    return codes.map((code) => {
      if (code === 0) return null;
      return code === 2 ? queueFull(this.#limits) : queueUnavailable();
    });
  }

  #setServerTime(unixMs: number): void {
    this.#offsetMs = unixMs - performance.now();
  }
}
