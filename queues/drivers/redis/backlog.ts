import { randomUUID } from 'node:crypto';
import type { Backlog } from '../../../src/ports/backlog.js';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { queueUnavailable } from '../../errors.js';
import { Serial } from '../../serial.js';

const KEY = '{orama}:backlog';
const GROUP = 'shippers';
/** Records that were read by a process that died are claimed by another process after this time. */
const TAKEN_OVER_AFTER_MS = 10_000;

/**
 * The backlog as a Redis stream with one consumer group: entries that a handler has not finished
 * stay pending and are delivered again.
 */
export class RedisBacklog implements Backlog {
  readonly driver = 'redis';
  readonly #connection: RedisConnection;
  readonly #consumer = randomUUID();
  readonly #drains = new Serial();

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  static async open(connection: RedisConnection): Promise<RedisBacklog> {
    await connection.xgroup('CREATE', KEY, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
      if (!error.message.includes('BUSYGROUP')) throw error;
    });
    return new RedisBacklog(connection);
  }

  async push(records: readonly string[]): Promise<void> {
    if (records.length === 0) return;
    const transaction = this.#connection.multi();
    for (const record of records) transaction.xadd(KEY, '*', 'r', record);
    try {
      await transaction.exec();
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  /** Drains run one at a time per process, because a process is one consumer of the group. */
  drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number> {
    return this.#drains.run(() => this.#drain(limit, handler));
  }

  async #drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number> {
    const entries = await this.#take(limit);
    if (entries.length === 0) return 0;
    await handler(entries.map(([, fields]) => fields[1] ?? ''));
    const ids = entries.map(([id]) => id);
    await this.#connection
      .multi()
      .xack(KEY, GROUP, ...ids)
      .xdel(KEY, ...ids)
      .exec();
    return entries.length;
  }

  /**
   * Reads, in this order: the pending entries of this process, entries of dead processes, new
   * entries.
   */
  async #take(limit: number): Promise<StreamEntry[]> {
    const own = await this.#read(limit, '0');
    if (own.length > 0) return own;
    const claimed = (await this.#connection.xautoclaim(
      KEY,
      GROUP,
      this.#consumer,
      TAKEN_OVER_AFTER_MS,
      '0',
      'COUNT',
      limit,
    )) as [string, StreamEntry[]];
    if (claimed[1].length > 0) return claimed[1];
    return this.#read(limit, '>');
  }

  async #read(limit: number, from: string): Promise<StreamEntry[]> {
    const streams = (await this.#connection.xreadgroup(
      'GROUP',
      GROUP,
      this.#consumer,
      'COUNT',
      limit,
      'STREAMS',
      KEY,
      from,
    )) as [string, StreamEntry[]][] | null;
    return streams?.[0]?.[1] ?? [];
  }

  async size(): Promise<number> {
    return this.#connection.xlen(KEY);
  }

  close(): Promise<void> {
    return this.#drains.idle();
  }
}

type StreamEntry = [id: string, fields: string[]];
