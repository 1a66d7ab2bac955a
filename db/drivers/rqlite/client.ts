import type { Knex } from 'knex';
import KnexSqlite from 'knex/lib/dialects/sqlite3/index.js';
import { type DecodedResult, decodeResult } from './decode.js';
import { encodeStatements, type RqliteStatement } from './encode.js';
import { RqliteError } from './errors.js';
import { RqliteTransport, type RqliteTransportOptions } from './transport.js';

export interface RqliteClientConfig extends Knex.Config {
  rqlite: RqliteTransportOptions;
}

/**
 * A query on its way through knex: `response` and `context` are where its dialects leave the
 * outcome.
 */
export interface KnexQuery {
  sql: string;
  bindings?: readonly unknown[];
  method?: string;
  options?: { idempotent?: boolean };
  response?: unknown;
  context?: { lastID: number; changes: number };
}

/**
 * Queries that may be sent twice without anybody noticing. An update or a delete is not among them:
 * the second one would report that it changed nothing. Say `.options({ idempotent: true })` where
 * that is fine.
 */
const IDEMPOTENT =
  /^\s*(select|pragma|explain|values|insert\s+or\s+ignore|create\s+(unique\s+)?(table|index|view)\s+if\s+not|drop\s+\w+\s+if\s+exists)\b|\bon\s+conflict\b[^;]*\bdo\s+nothing\s*$/i;

/**
 * knex's dialect for RQLite: that of SQLite, over HTTP. It has no interactive transactions, because
 * RQLite would accept BEGIN and then not roll back: see `batch`.
 */
export class RqliteClient extends KnexSqlite {
  declare readonly config: RqliteClientConfig;
  /**
   * knex copies `driver`, and little else, wherever it derives a client: so the state is in there.
   */
  declare driver: RqliteTransport;

  constructor(config: RqliteClientConfig) {
    // knex makes no driver without a `connection`; the one that counts is `rqlite`.
    super({ ...config, connection: { filename: '' }, useNullAsDefault: true, compileSqlOnError: false });
  }

  _driver(): RqliteTransport {
    return new RqliteTransport(this.config.rqlite);
  }

  /** HTTP has its own pool, and a connection no state. */
  override async acquireConnection(): Promise<object> {
    return this.driver;
  }

  override async releaseConnection(): Promise<void> {
    // Nothing was taken.
  }

  override async destroy(callback?: () => void): Promise<void> {
    await super.destroy();
    await this.driver.close();
    callback?.();
  }

  override transaction(): never {
    throw new RqliteError(
      'RQLITE_NO_TRANSACTION',
      'RQLite has no interactive transactions: use batch(knex, queries)',
    );
  }

  async _query(_connection: object, query: KnexQuery): Promise<KnexQuery> {
    const idempotent = query.options?.idempotent ?? isIdempotent(query);
    const [result] = await this.send([toStatement(query)], { idempotent, transaction: false });
    query.response = result?.rows ?? [];
    query.context = { lastID: result?.lastId ?? 0, changes: result?.changes ?? 0 };
    return query;
  }

  /** Throws the error of the first statement that has one. */
  async send(
    statements: readonly RqliteStatement[],
    { idempotent, transaction }: { idempotent: boolean; transaction: boolean },
  ): Promise<DecodedResult[]> {
    const path = `/db/request?blob_array${transaction ? '&transaction' : ''}`;
    const { results = [] } = await this.driver.post(path, encodeStatements(statements), { idempotent });
    return results.map((result, at) => decodeResult(result, statements.length > 1 ? at : undefined));
  }
}

Object.assign(RqliteClient.prototype, { driverName: 'rqlite' });

export function isIdempotent({ sql }: { sql: string }): boolean {
  return IDEMPOTENT.test(sql);
}

export function toStatement({ sql, bindings }: KnexQuery): RqliteStatement {
  if (sql === '') throw new RqliteError('SQLITE_ERROR', 'the query is empty');
  return { sql, bindings: bindings ?? [] };
}
