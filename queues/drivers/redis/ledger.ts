import type { IRedisTransaction, RedisClient } from 'bullmq';
import type { AppError } from '../../../src/errors.js';
import { queueFull, queueUnavailable } from '../../admission.js';
import type { InvocationJob, JobGroup, QueueLimits, Warn } from '../../driver.js';
import { MAX_PRIORITY, perLane, REBASE_AT, TURN_COST, Turns, turnOf } from '../../fairness.js';
import { type JobData, LANES, type Lane, laneOf } from '../../jobs.js';
import type { RedisConnection } from './connect.js';
import { ADMIT, ENDED, type LedgerKeys, REBASE, SWEEP } from './scripts.js';

/** Redis must come to an add within this time, else the add undoes itself: shorter than what its caller waits. */
const ADMIT_WITHIN_MS = 1500;
/** Each is a sync of Redis' file that the next call would wait for: at one call after the other, 25 ms took a third off its time against 5. */
const ENDED_WITHIN_MS = 25;
const SWEEP_EVERY_MS = 60_000;
const SWEEP_STEP = 500;

/** Counts what BullMQ does not, on the same Redis and in the same transactions. See scripts.ts for its keys. */
export class Ledger {
  readonly #connection: RedisConnection;
  readonly #client: RedisClient;
  readonly #keys: LedgerKeys;
  readonly #limits: QueueLimits;
  readonly #warn: Warn;
  /** Redis' clock minus our monotonic one. */
  #offsetMs = 0;
  /** A copy of what Redis keeps, to guess with. */
  readonly #turns = new Turns();
  readonly #endedTurn = perLane(() => -1);
  #ended: string[] = [];
  #rebasing = false;
  readonly #sweeper: NodeJS.Timeout;

  constructor(
    connection: RedisConnection,
    client: RedisClient,
    keys: LedgerKeys,
    limits: QueueLimits,
    warn: Warn,
  ) {
    this.#connection = connection;
    this.#client = client;
    this.#keys = keys;
    this.#limits = limits;
    this.#warn = warn;
    const scripts = { oramaAdmit: ADMIT, oramaEnded: ENDED, oramaSweep: SWEEP, oramaRebase: REBASE };
    for (const [name, lua] of Object.entries(scripts)) {
      connection.defineCommand(name, { numberOfKeys: 2, lua });
    }
    this.#sweeper = setInterval(() => void this.#sweepIfOurs(), SWEEP_EVERY_MS * (0.8 + 0.4 * Math.random()));
    this.#sweeper.unref();
  }

  setServerTime(unixMs: number): void {
    this.#offsetMs = unixMs - performance.now();
  }

  /** What a job's priority will probably be: ADMIT corrects it, which costs two writes more. */
  guessPriority(data: JobData): number {
    return this.#turns.take(laneOf(data), data.n);
  }

  /** Appends the verdict over the groups to the transaction that adds their jobs. */
  admit(transaction: IRedisTransaction, groups: readonly JobGroup[], priorities: readonly number[]): void {
    const jobs = groups
      .flat()
      .map(({ id, data, opts }, index) => [
        `${id}:${data.s}`,
        data.n,
        data.s,
        laneOf(data),
        priorities[index] ?? 0,
        opts.delay === undefined ? 0 : data.a + opts.delay,
      ]);
    transaction.runCommand('oramaAdmit', [
      this.#keys.prefix,
      this.#keys.ledger,
      Math.round(performance.now() + this.#offsetMs + ADMIT_WITHIN_MS),
      this.#limits.maxWaiting,
      this.#limits.maxBytes,
      TURN_COST,
      MAX_PRIORITY,
      JSON.stringify(jobs),
      JSON.stringify(groups.map((group) => group.length)),
    ]);
  }

  /** Reads what ADMIT answered. */
  verdicts(answer: readonly (number | string)[], groups: number): (AppError | null)[] {
    const [now, ...clocks] = answer;
    const rest = clocks.splice(LANES.length);
    this.setServerTime(Number(now));
    LANES.forEach((lane, index) => {
      this.#turns.follow(lane, Number(clocks[index]));
    });
    for (let i = groups; i < rest.length; i += 2) {
      const key = String(rest[i]);
      const colon = key.indexOf(':');
      this.#turns.learn(key.slice(0, colon) as Lane, key.slice(colon + 1), Number(rest[i + 1]));
    }
    const codes = rest.slice(0, groups);
    if (codes.some((code) => code !== 0)) this.#turns.forget();
    return codes.map((code) => {
      if (code === 0) return null;
      return code === 2 ? queueFull(this.#limits) : queueUnavailable();
    });
  }

  /** Strikes a job that is done, and lets the clock move on to its turn. */
  ended(job: InvocationJob): void {
    const lane = laneOf(job.data);
    this.#endedTurn[lane] = Math.max(this.#endedTurn[lane], turnOf(job.priority));
    this.left(job);
  }

  /** Strikes a job that has left the queue, its turn come or not; all of the last moment in one command. */
  left(job: InvocationJob): void {
    this.#ended.push(job.data.n, `${job.id}:${job.data.s}`);
    if (this.#ended.length === 2) setTimeout(() => void this.#flushEnded(), ENDED_WITHIN_MS);
  }

  async #flushEnded(): Promise<void> {
    if (this.#ended.length === 0) return;
    const args = [
      this.#keys.prefix,
      this.#keys.ledger,
      ...LANES.map((lane) => this.#endedTurn[lane]),
      ...this.#ended,
    ];
    this.#ended = [];
    try {
      await this.#client.runCommand('oramaEnded', args);
    } catch (error) {
      // Not lost for good: the sweeper finds lines without a job.
      this.#warn('Finished jobs still count as waiting until the next sweep.', error);
    }
    for (const lane of LANES) {
      if (this.#endedTurn[lane] > REBASE_AT) await this.#rebase(lane);
    }
  }

  async #rebase(lane: Lane): Promise<void> {
    if (this.#rebasing) return;
    this.#rebasing = true;
    try {
      await this.#client.runCommand('oramaRebase', [this.#keys.prefix, this.#keys.ledger, lane, REBASE_AT]);
      this.#turns.follow(lane, 0);
      this.#endedTurn[lane] = -1;
    } catch (error) {
      this.#warn('Turns could not be counted anew; it will be tried again.', error);
    } finally {
      this.#rebasing = false;
    }
  }

  /** One process at a time, whichever comes first. */
  async #sweepIfOurs(): Promise<void> {
    try {
      const ours = await this.#claimSweep();
      if (ours) await this.sweep();
    } catch (error) {
      this.#warn('The queue could not be swept; it will be tried again.', error);
    }
  }

  async #claimSweep(): Promise<boolean> {
    const claimed = await this.#connection.set(
      `${this.#keys.ledger}sweeping`,
      '1',
      'PX',
      SWEEP_EVERY_MS / 2,
      'NX',
    );
    return claimed === 'OK';
  }

  /** Takes out the lines of jobs that are gone, whose worker died before it could strike them. */
  async sweep(): Promise<void> {
    const namespaces = await this.#client.smembers(`${this.#keys.ledger}namespaces`);
    for (const namespace of namespaces) {
      let cursor = '';
      do {
        cursor = await this.#client.runCommand('oramaSweep', [
          this.#keys.prefix,
          this.#keys.ledger,
          namespace,
          cursor,
          SWEEP_STEP,
        ]);
      } while (cursor !== '');
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#flushEnded();
  }
}
