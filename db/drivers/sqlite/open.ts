import knex from 'knex';
import type { Database, Query } from '../../database.js';
import { SqliteClient, type SqliteClientConfig } from './client.js';
import { SqliteConnection } from './connection.js';
import { toAppError } from './errors.js';

export interface SqliteOptions {
  /** Made when absent; its directory must exist. */
  file: string;
}

/** Several processes may share the file: each waits this long for another's write to end. */
const BUSY_TIMEOUT_MS = 10_000;

export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const sqlite = await SqliteConnection.open({ file: options.file, busyTimeoutMs: BUSY_TIMEOUT_MS }).catch(
    (error: unknown) => {
      throw toAppError(error);
    },
  );
  const config: SqliteClientConfig = { client: SqliteClient, sqlite };
  const builder = knex(config);
  const client = builder.client as SqliteClient;
  let closing: Promise<void> | undefined;

  const database: Database = {
    driver: 'sqlite',
    knex: builder,
    async run<T>(query: Query<T>): Promise<T> {
      try {
        return await query;
      } catch (error) {
        throw toAppError(error);
      }
    },
    async batch(queries) {
      if (queries.length === 0) return [];
      try {
        return await client.batch(queries);
      } catch (error) {
        throw toAppError(error);
      }
    },
    async ping() {
      await database.run(builder.raw('select 1'));
    },
    close() {
      closing ??= Promise.all([builder.destroy(), sqlite.close()]).then(() => undefined);
      return closing;
    },
  };
  return database;
}
