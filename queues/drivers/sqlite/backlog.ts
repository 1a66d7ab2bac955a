import type { Backlog } from '../../../src/ports/backlog.js';
import { queueUnavailable } from '../../errors.js';
import { Serial } from '../../serial.js';
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

  drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number> {
    return this.#drains.run(() => this.#drain(limit, handler));
  }

  async #drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number> {
    const rows = await rowsOf<[id: number, record: string]>(
      this.#connection,
      'SELECT id, record FROM orama_backlog ORDER BY id LIMIT ?',
      limit,
    );
    const last = rows.at(-1);
    if (last === undefined) return 0;
    await handler(rows.map(([, record]) => JSON.parse(record) as string));
    await write(this.#connection, 'DELETE FROM orama_backlog WHERE id <= ?', [[last[0]]]);
    return rows.length;
  }

  async size(): Promise<number> {
    const [row] = await rowsOf<[number]>(this.#connection, 'SELECT count(*) FROM orama_backlog');
    return row?.[0] ?? 0;
  }

  close(): Promise<void> {
    return this.#drains.idle();
  }
}
