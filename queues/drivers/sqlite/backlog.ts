import { Serial } from '../../../src/concurrency/serial.js';
import { type Backlog, type DrainLimits, MAX_SET_ASIDE } from '../../../src/ports/backlog.js';
import { queueUnavailable } from '../../errors.js';
import type { SqliteConnection } from './backend/connection.js';
import { rowsOf, write } from './tables.js';

/**
 * Keeps the backlog in a table of the queue's database, in insertion order. Records are stored as
 * JSON strings because the driver reads a text only up to its first NUL.
 */
export class SqliteBacklog implements Backlog {
  readonly driver = 'sqlite';
  readonly #connection: SqliteConnection;
  readonly #drains = new Serial();

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async push(records: readonly string[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await write(
        this.#connection,
        'INSERT INTO orama_backlog (record) VALUES (?)',
        records.map((record) => [JSON.stringify(record)]),
      );
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  drain(limits: DrainLimits, handler: (records: string[]) => Promise<void>): Promise<number> {
    return this.#drains.run(() => this.#drain(limits, handler));
  }

  async #drain(limits: DrainLimits, handler: (records: string[]) => Promise<void>): Promise<number> {
    const last = await this.#lastWithin(limits);
    if (last === undefined) return 0;
    const rows = await rowsOf<[record: string]>(
      this.#connection,
      'SELECT record FROM orama_backlog WHERE id <= ? ORDER BY id',
      last,
    );
    await handler(rows.map(([record]) => JSON.parse(record) as string));
    await write(this.#connection, 'DELETE FROM orama_backlog WHERE id <= ?', [[last]]);
    return rows.length;
  }

  /** Finds the last record of a step. SQLite has the sizes of texts without reading them. */
  async #lastWithin({ records, bytes }: DrainLimits): Promise<number | undefined> {
    const sizes = await rowsOf<[id: number, size: number]>(
      this.#connection,
      'SELECT id, octet_length(record) FROM orama_backlog ORDER BY id LIMIT ?',
      records,
    );
    let sum = 0;
    const reached = sizes.find(([, size]) => {
      sum += size;
      return sum >= bytes;
    });
    return (reached ?? sizes.at(-1))?.[0];
  }

  async setAside(records: readonly string[]): Promise<void> {
    await write(
      this.#connection,
      'INSERT INTO orama_backlog_refused (record) VALUES (?)',
      records.map((record) => [JSON.stringify(record)]),
    );
    await write(
      this.#connection,
      'DELETE FROM orama_backlog_refused WHERE id <= (SELECT max(id) FROM orama_backlog_refused) - ?',
      [[MAX_SET_ASIDE]],
    );
  }

  async size(): Promise<number> {
    const [row] = await rowsOf<[number]>(this.#connection, 'SELECT count(*) FROM orama_backlog');
    return row?.[0] ?? 0;
  }

  close(): Promise<void> {
    return this.#drains.idle();
  }
}
