import { randomUUID } from 'node:crypto';
import type { RedisConnection } from '../../../src/redis/connection.js';
import { type CrashJournal, RETENTION_MS, type RunEntry, readEntries } from '../../crash-journal.js';
import { KEY_PREFIX } from './key-prefix.js';

/**
 * A hash with one field per process: "<Unix milliseconds> <run> <run> …". A process that runs no
 * guest has no field.
 */
const KEY = `${KEY_PREFIX}:running`;

/**
 * The crash journal on the queue's Redis server, for processes on any number of machines. One
 * command records all guests that began in the last milliseconds, in the same socket write as other
 * commands of that turn. Once written to the socket it arrives, even if the process dies.
 */
export class RedisCrashJournal implements CrashJournal {
  readonly #connection: RedisConnection;
  readonly #process = randomUUID();
  #closed = false;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  static async open(connection: RedisConnection): Promise<RedisCrashJournal> {
    await removeOldRecords(connection);
    return new RedisCrashJournal(connection);
  }

  async write(runs: readonly RunEntry[]): Promise<void> {
    if (this.#closed) return;
    if (runs.length === 0) await this.#connection.hdel(KEY, this.#process);
    else await this.#connection.hset(KEY, this.#process, `${Date.now()} ${runs.join(' ')}`);
  }

  async read(): Promise<ReadonlyMap<string, number | null>> {
    const records = await this.#connection.hvals(KEY);
    return readEntries(records.flatMap((record) => record.split(' ').slice(1)));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // When Redis is unreachable, the record stays and may name guests that have ended: the next
    // crash of their jobs then counts one too many.
    await this.#connection.hdel(KEY, this.#process).catch(() => {});
  }
}

/** Removes the records of processes that died longer than RETENTION_MS ago. */
export async function removeOldRecords(connection: RedisConnection): Promise<void> {
  const records = await connection.hgetall(KEY);
  const before = Date.now() - RETENTION_MS;
  const old = Object.keys(records).filter((process) => Number.parseInt(records[process] ?? '', 10) < before);
  if (old.length > 0) await connection.hdel(KEY, ...old);
}
