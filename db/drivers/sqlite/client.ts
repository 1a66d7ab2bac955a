import type { Knex } from 'knex';
import KnexSqlite from 'knex/lib/dialects/sqlite3/index.js';
import { SqliteError } from './errors.js';
import type { SqlValue, Statement } from './protocol.js';
import type { SqliteThread } from './sqlite-thread.js';

/** A query as knex passes it to a dialect, which stores the outcome in `response` and `context`. */
interface KnexQuery {
  sql: string;
  bindings?: readonly unknown[];
  response?: unknown;
  context?: { lastID: number; changes: number };
}

export interface SqliteClientConfig extends Knex.Config {
  sqlite: SqliteThread;
}

/** knex's SQLite dialect on libsql in a separate thread. It does not own the connection. */
export class SqliteClient extends KnexSqlite {
  declare readonly config: SqliteClientConfig;

  constructor(config: SqliteClientConfig) {
    super({ ...config, useNullAsDefault: true, compileSqlOnError: false });
  }

  /**
   * Returns the only connection: its thread executes statements in order, so knex's pool would only
   * add a second queue.
   */
  override async acquireConnection(): Promise<object> {
    return this.config.sqlite;
  }

  override async releaseConnection(): Promise<void> {
    // The connection is shared, so there is nothing to release.
  }

  override transaction(): never {
    throw new SqliteError('SQLITE_NO_TRANSACTION', 'interactive transactions do not exist here: use batch()');
  }

  async _query(_pooled: object, query: KnexQuery): Promise<KnexQuery> {
    const [result] = await this.config.sqlite.execute([toStatement(query)]);
    query.response = result?.rows ?? [];
    query.context = { lastID: result?.lastId ?? 0, changes: result?.changes ?? 0 };
    return query;
  }

  /**
   * Executes the queries in one transaction. Resolves with one result per query, as knex would
   * return it.
   */
  async batch(queries: readonly { toSQL(): object }[]): Promise<unknown[]> {
    const compiled = queries.map((query) => {
      const { sql, bindings, ...rest } = query.toSQL() as KnexQuery & { method: string };
      return { ...rest, sql, bindings: this.prepBindings(bindings ?? []) as unknown[] };
    });
    const results = await this.config.sqlite.execute(compiled.map(toStatement));
    return results.map(({ rows, changes, lastId }, at) =>
      this.processResponse({ ...compiled[at], response: rows, context: { lastID: lastId, changes } }, null),
    );
  }
}

Object.assign(SqliteClient.prototype, { driverName: 'libsql', _driver: () => ({}) });

function toStatement({ sql, bindings }: KnexQuery): Statement {
  return { sql, bindings: (bindings ?? []).map(toValue) };
}

/**
 * Converts a binding. libsql aborts the process for values other than numbers, strings, bytes and
 * null.
 */
function toValue(binding: unknown): SqlValue {
  if (binding === null || binding === undefined) return null;
  if (typeof binding === 'boolean') return binding ? 1 : 0;
  if (typeof binding === 'string' || typeof binding === 'number' || typeof binding === 'bigint')
    return binding;
  if (binding instanceof Uint8Array) return binding;
  if (binding instanceof Date) return binding.getTime();
  throw new SqliteError('SQLITE_MISMATCH', `a ${typeof binding} cannot be bound to a statement`);
}
