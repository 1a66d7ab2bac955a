import type { Knex } from 'knex';
import KnexSqlite from 'knex/lib/dialects/sqlite3/index.js';
import type { SqliteConnection } from './connection.js';
import { SqliteError } from './errors.js';
import type { SqlValue, Statement } from './protocol.js';

/**
 * A query on its way through knex: `response` and `context` are where its dialects leave the
 * outcome.
 */
interface KnexQuery {
  sql: string;
  bindings?: readonly unknown[];
  response?: unknown;
  context?: { lastID: number; changes: number };
}

export interface SqliteClientConfig extends Knex.Config {
  sqlite: SqliteConnection;
}

/** knex's SQLite dialect on libsql in a thread of its own. It does not own the connection. */
export class SqliteClient extends KnexSqlite {
  declare readonly config: SqliteClientConfig;

  constructor(config: SqliteClientConfig) {
    super({ ...config, useNullAsDefault: true, compileSqlOnError: false });
  }

  /**
   * There is one thread, and it keeps the order: knex's pool would be a queue in front of its own.
   */
  override async acquireConnection(): Promise<object> {
    return this.config.sqlite;
  }

  override async releaseConnection(): Promise<void> {
    // Others use it, too.
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

  /** The queries as one transaction, each answered as knex would answer it alone. */
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
 * What is neither a number, a string, bytes nor null must never reach libsql: it aborts the
 * process.
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
