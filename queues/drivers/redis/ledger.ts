import type { RedisClient } from 'bullmq';
import type { InvocationJob, Warn } from '../../driver.js';
import { perLane, REBASE_AT, turnOf } from '../../fairness.js';
import { LANES, type Lane, laneOf } from '../../jobs.js';
import type { RedisConnection } from './connect.js';
import { ENDED, type LedgerKeys, REBASE, SWEEP } from './scripts.js';

/** Each is a sync of Redis' file that the next call would wait for: at one call after the other, 25 ms took a third off its time against 5. */
const ENDED_WITHIN_MS = 25;
const SWEEP_EVERY_MS = 60_000;
const SWEEP_STEP = 500;

/** Counts what BullMQ does not, on the same Redis: adds.ts counts what comes, this what goes. See scripts.ts for its keys. */
export class Ledger {
  readonly #connection: RedisConnection;
  readonly #client: RedisClient;
  readonly #keys: LedgerKeys;
  readonly #warn: Warn;
  readonly #endedTurn = perLane(() => -1);
  #ended: string[] = [];
  #rebasing = false;
  readonly #sweeper: NodeJS.Timeout;

  constructor(connection: RedisConnection, client: RedisClient, keys: LedgerKeys, warn: Warn) {
    this.#connection = connection;
    this.#client = client;
    this.#keys = keys;
    this.#warn = warn;
    const scripts = { oramaEnded: ENDED, oramaSweep: SWEEP, oramaRebase: REBASE };
    for (const [name, lua] of Object.entries(scripts)) {
      connection.defineCommand(name, { numberOfKeys: 2, lua });
    }
    this.#sweeper = setInterval(() => void this.#sweepIfOurs(), SWEEP_EVERY_MS * (0.8 + 0.4 * Math.random()));
    this.#sweeper.unref();
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
