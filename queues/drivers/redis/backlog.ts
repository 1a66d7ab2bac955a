import { randomUUID } from 'node:crypto';
import type { ChainableCommander } from 'ioredis';
import { Serial } from '../../../src/concurrency/serial.js';
import { waitAtMost } from '../../../src/concurrency/timeout.js';
import { DAY_MS } from '../../../src/contract/limits.js';
import { messageOf } from '../../../src/errors.js';
import { type Backlog, type DrainLimits, MAX_SET_ASIDE } from '../../../src/ports/backlog.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { RedisScript } from '../../../src/redis/script.js';
import { queueUnavailable } from '../../errors.js';
import { KEY_PREFIX } from './key-prefix.js';
import { luaOf } from './lua-scripts.js';

const KEY = `${KEY_PREFIX}:backlog`;
const REFUSED_KEY = `${KEY_PREFIX}:backlog:refused`;
const GROUP = 'shippers';
/** Records that were read by a process that died are claimed by another process after this time. */
const TAKEN_OVER_AFTER_MS = 10_000;

const REMOVE_CONSUMERS = new RedisScript(luaOf('removeConsumers-1'));
/** How long closing waits for the removal of the consumer, in milliseconds. */
const CLOSE_MS = 500;
/** The consumer of a process that has not drained for this long is removed, in milliseconds. */
const CONSUMER_GONE_MS = DAY_MS;

/** Removes the consumers of processes that died long ago, except those with unfinished records. */
export async function removeOldConsumers(
  connection: RedisConnection,
  idleMs = CONSUMER_GONE_MS,
): Promise<void> {
  await REMOVE_CONSUMERS.run(connection, [KEY], [GROUP, idleMs, '']);
}

/**
 * The backlog as a Redis stream with one consumer group: entries that a handler has not finished
 * stay pending and are delivered again.
 */
export class RedisBacklog implements Backlog {
  readonly #connection: RedisConnection;
  readonly #consumer = randomUUID();
  readonly #drains = new Serial();
  readonly #take = new RedisScript(luaOf('takeBacklog-1'));

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  async push(records: readonly string[]): Promise<void> {
    if (records.length === 0) return;
    const transaction = this.#connection.multi();
    for (const record of records) transaction.xadd(KEY, '*', 'r', record);
    try {
      await executed(transaction);
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  /** Drains run one at a time per process, because a process is one consumer of the group. */
  drain(limits: DrainLimits, handler: (records: string[]) => Promise<void>): Promise<number> {
    return this.#drains.run(() => this.#drain(limits, handler));
  }

  async #drain(limits: DrainLimits, handler: (records: string[]) => Promise<void>): Promise<number> {
    const entries = await this.#takeEntries(limits);
    if (entries.length === 0) return 0;
    const ids = entries.map(([id]) => id);
    // A slow handler must not lose its records to another process.
    const renewal = setInterval(() => void this.#renew(ids), TAKEN_OVER_AFTER_MS / 3);
    try {
      await handler(entries.map(([, record]) => record));
    } finally {
      clearInterval(renewal);
    }
    await executed(
      this.#connection
        .multi()
        .xack(KEY, GROUP, ...ids)
        .xdel(KEY, ...ids),
    );
    return entries.length;
  }

  async setAside(records: readonly string[]): Promise<void> {
    const transaction = this.#connection.multi();
    for (const record of records) transaction.xadd(REFUSED_KEY, 'MAXLEN', MAX_SET_ASIDE, '*', 'r', record);
    await executed(transaction);
  }

  /** A server that was replaced by an empty one, or has had its keys deleted, has no group. */
  async #takeEntries(limits: DrainLimits): Promise<[id: string, record: string][]> {
    try {
      return await this.#runTake(limits);
    } catch (error) {
      if (!messageOf(error).includes('NOGROUP')) throw error;
    }
    await this.#createGroup();
    return this.#runTake(limits);
  }

  async #runTake({ records, bytes }: DrainLimits): Promise<[id: string, record: string][]> {
    const args = [GROUP, this.#consumer, records, bytes, TAKEN_OVER_AFTER_MS];
    const taken = (await this.#take.run(this.#connection, [KEY], args)) as string[];
    return Array.from({ length: taken.length / 2 }, (_, at) => [
      taken[2 * at] ?? '',
      taken[2 * at + 1] ?? '',
    ]);
  }

  /** The group begins with the first entry, because entries may have been added before it. */
  async #createGroup(): Promise<void> {
    await this.#connection.xgroup('CREATE', KEY, GROUP, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!messageOf(error).includes('BUSYGROUP')) throw error;
    });
  }

  async #renew(ids: readonly string[]): Promise<void> {
    // After a failure another process may take the records over; writing them twice changes
    // nothing.
    const claim = this.#connection.multi().xclaim(KEY, GROUP, this.#consumer, 0, ...ids, 'JUSTID');
    await executed(claim).catch(() => undefined);
  }

  async size(): Promise<number> {
    return this.#connection.xlen(KEY);
  }

  async close(): Promise<void> {
    await this.#drains.idle();
    // When Redis is unreachable, a sweep removes the consumer a day later.
    const removed = REMOVE_CONSUMERS.run(this.#connection, [KEY], [GROUP, 0, this.#consumer]);
    await waitAtMost(
      CLOSE_MS,
      removed.catch(() => {}),
    );
  }
}

/** Runs a transaction; ioredis resolves when the server refuses one of its commands. */
async function executed(transaction: ChainableCommander): Promise<void> {
  for (const [error] of (await transaction.exec()) ?? []) if (error) throw error;
}
