import type { RedisClient } from 'bullmq';
import type { QueueUse, RemovedInvocation } from '../../../src/ports/queue.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import type { JobCounts } from '../../driver.js';
import { REBASE_AT, virtualTimeOf } from '../../fairness.js';
import { type InvocationJob, queueKindOf } from '../../job-data.js';
import { perQueue, QUEUE_KINDS, type QueueKind } from '../../queue-names.js';
import type { Warn } from '../../warn.js';
import type { UsageKeys } from './key-prefix.js';
import { commandOf, defineScripts } from './lua-scripts.js';
import { decodeUsageEntry, encodeUsageEntry } from './usage-entry.js';

/**
 * How long ended jobs are collected, in milliseconds. Each command makes Redis sync its file, and
 * the next call waits for that sync: with sequential calls, 25 ms took a third less time than 5 ms.
 */
const ENDED_WITHIN_MS = 25;

/**
 * Counts what BullMQ does not count, on the same Redis: adds.ts counts jobs in, this class counts
 * them out. See lua/includes/usage.lua for the keys.
 */
export class UsageIndex implements JobCounts {
  readonly #connection: RedisConnection;
  readonly #client: RedisClient;
  readonly #keys: UsageKeys;
  readonly #warn: Warn;
  readonly #endedTime = perQueue(() => -1);
  #ended: string[] = [];
  #rebasing = false;

  constructor(connection: RedisConnection, client: RedisClient, keys: UsageKeys, warn: Warn) {
    this.#connection = connection;
    this.#client = client;
    this.#keys = keys;
    this.#warn = warn;
    defineScripts(connection, ['endJobs-2', 'getUsage-2', 'hasUnseen-2', 'rebaseTimes-2']);
  }

  /** Removes a finished job from the index, and lets the clock advance to its virtual time. */
  ended(job: InvocationJob): void {
    const kind = queueKindOf(job.data);
    this.#endedTime[kind] = Math.max(this.#endedTime[kind], virtualTimeOf(job.priority));
    this.removed(job);
  }

  /**
   * Removes a job that has left the queue from the index, whether or not it ran. Jobs that leave
   * within ENDED_WITHIN_MS share one command.
   */
  removed(job: InvocationJob): void {
    this.removeEntry(job.data.n, encodeUsageEntry({ id: job.id ?? '', name: job.name, data: job.data }));
  }

  postponed(id: string, until: number): void {
    // Affects only the counts: if the write is lost, the job is counted as retrying for a while.
    this.#connection.zadd(`${this.#keys.usage}scheduled`, until, id).catch(() => {});
  }

  /** Removes an entry, as `removed` does. */
  removeEntry(namespace: string, entry: string): void {
    this.#ended.push(namespace, entry);
    if (this.#ended.length === 2) setTimeout(() => void this.flush(), ENDED_WITHIN_MS);
  }

  async use(namespace: string): Promise<QueueUse> {
    const args = [this.#keys.prefix, this.#keys.usage, namespace, Date.now()];
    const found: number[] = await this.#client.runCommand(commandOf('getUsage'), args);
    const [waiting = 0, running = 0, delayed = 0, bytes = 0, oldestAt = 0] = found;
    const oldestMs = waiting === 0 || oldestAt === 0 ? 0 : Math.max(0, Date.now() - oldestAt);
    return { waiting, running, delayed, bytes, oldestMs };
  }

  /** Lists the ids of a namespace's jobs, newest first. The cursor is the last id of a page. */
  async list(
    namespace: string,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ ids: string[]; next: string | null }> {
    const members = await this.#connection.zrevrangebylex(
      `${this.#keys.usage}jobs:${namespace}`,
      cursor === undefined ? '+' : `(${cursor}`,
      '-',
      'LIMIT',
      0,
      limit,
    );
    const ids = members.map((member) => member.slice(0, member.indexOf(':')));
    return { ids, next: ids.length < limit ? null : (ids.at(-1) ?? null) };
  }

  /** See `QueueDriver`. */
  async hasUnseen(kind: QueueKind, seen: ReadonlySet<string>): Promise<boolean> {
    const args = [this.#keys.prefix, this.#keys.usage, kind, Date.now(), ...seen];
    return (await this.#client.runCommand(commandOf('hasUnseen'), args)) === 1;
  }

  /** Removes now what is to be removed. */
  async flush(): Promise<void> {
    if (this.#ended.length === 0) return;
    const times = QUEUE_KINDS.map((kind) => this.#endedTime[kind]);
    const args = [this.#keys.prefix, this.#keys.usage, ...times, REBASE_AT / 2, ...this.#ended];
    this.#ended = [];
    // Sent once: after a rebase the script ignores the time of a job that began before it, and that
    // time would hide the smaller ones of later jobs.
    for (const kind of QUEUE_KINDS) this.#endedTime[kind] = -1;
    try {
      await this.#client.runCommand(commandOf('endJobs'), args);
    } catch (error) {
      // Not lost: the sweep finds entries without a job.
      this.#warn(
        'Failed to update the usage index; finished jobs count as waiting until the next sweep.',
        error,
      );
    }
    for (const [at, kind] of QUEUE_KINDS.entries()) {
      if ((times[at] ?? -1) > REBASE_AT) await this.#rebase(kind);
    }
  }

  async #rebase(kind: QueueKind): Promise<void> {
    if (this.#rebasing) return;
    this.#rebasing = true;
    try {
      const { prefix, usage } = this.#keys;
      await this.#client.runCommand(commandOf('rebaseTimes'), [prefix, usage, kind, REBASE_AT]);
    } catch (error) {
      this.#warn('Failed to rebase virtual times; retrying.', error);
    } finally {
      this.#rebasing = false;
    }
  }

  /**
   * Finds the entry of a job that the caller knows to be gone. Resolves with null when there is
   * none, or the job is being cancelled.
   */
  async findRemoved(namespace: string, id: string): Promise<RemovedInvocation | null> {
    const key = `${this.#keys.usage}jobs:${namespace}`;
    const [entry] = await this.#connection.zrangebylex(key, `[${id}:`, `(${id};`, 'LIMIT', 0, 1);
    if (entry === undefined) return null;
    // Asked last: without the key, the end has been recorded or never will be.
    const isBeingCancelled = (await this.#connection.exists(this.cancellingKey(id))) === 1;
    return isBeingCancelled ? null : decodeUsageEntry(namespace, entry);
  }

  /** The key of a job that is being cancelled; see lua/includes/usage.lua. */
  cancellingKey(id: string): string {
    return `${this.#keys.usage}cancelling:${id}`;
  }

  async close(): Promise<void> {
    await this.flush();
  }
}
