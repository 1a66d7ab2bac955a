import type { Backlog } from '../../../src/ports/backlog.js';
import { queueUnavailable } from '../../admission.js';
import type { PgliteDatabase } from './database.js';

/** A table, oldest first. Records are kept as JSON strings, because Postgres' text can hold no NUL. */
export class PgliteBacklog implements Backlog {
  readonly driver = 'pglite';
  readonly #database: PgliteDatabase;
  #draining: Promise<unknown> = Promise.resolve();

  constructor(database: PgliteDatabase) {
    this.#database = database;
  }

  async push(records: readonly string[]): Promise<void> {
    if (records.length === 0) return;
    try {
      await this.#database.query('INSERT INTO orama.backlog (record) SELECT * FROM unnest($1::text[])', [
        records.map((record) => JSON.stringify(record)),
      ]);
    } catch (error) {
      throw queueUnavailable(error);
    }
  }

  drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number> {
    const drained = this.#draining.then(() => this.#drain(limit, handler));
    this.#draining = drained.catch(() => {});
    return drained;
  }

  async #drain(limit: number, handler: (records: string[]) => Promise<void>): Promise<number> {
    const { rows } = await this.#database.query<{ id: number; record: string }>(
      'SELECT id, record FROM orama.backlog ORDER BY id LIMIT $1',
      [limit],
    );
    const last = rows.at(-1);
    if (last === undefined) return 0;
    await handler(rows.map((row) => JSON.parse(row.record) as string));
    await this.#database.query('DELETE FROM orama.backlog WHERE id <= $1', [last.id]);
    return rows.length;
  }

  async size(): Promise<number> {
    const { rows } = await this.#database.query<{ n: number }>('SELECT count(*) AS n FROM orama.backlog');
    return Number(rows[0]?.n ?? 0);
  }

  async close(): Promise<void> {
    await this.#draining;
  }
}
