/**
 * knex ships no types for its dialects; this declares the part of the SQLite dialect that the
 * drivers extend.
 */
declare module 'knex/lib/dialects/sqlite3/index.js' {
  import type { Knex } from 'knex';

  export default class SqliteClient extends Knex.Client {
    processResponse(query: object, runner: unknown): unknown;
    initializeDriver(): void;
    destroy(callback?: () => void): Promise<void>;
  }
}
