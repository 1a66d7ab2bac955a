import type { Knex } from 'knex';
import KnexSqlite from 'knex/lib/dialects/sqlite3/index.js';
import { type DecodedResult, decodeResult } from './decode.js';
import { encodeStatements, type RqliteStatement } from './encode.js';
import { RqliteError, readingWrites } from './errors.js';
import { isRepeatable, kindOf, type StatementKind } from './statement-kind.js';
import { CONSISTENT_READ, RqliteTransport, type RqliteTransportOptions } from './transport.js';

export interface RqliteClientConfig extends Knex.Config {
  rqlite: RqliteTransportOptions;
}

interface ClassifiedStatement extends RqliteStatement {
  kind: StatementKind;
}

/** A query as knex passes it to a dialect, which stores the outcome in `response` and `context`. */
export interface KnexQuery {
  sql: string;
  bindings?: readonly unknown[];
  method?: string;
  options?: { idempotent?: boolean };
  response?: unknown;
  context?: { lastID: number; changes: number };
}

/**
 * The knex dialect for RQLite: knex's SQLite dialect over HTTP. It has no interactive transactions,
 * because RQLite accepts BEGIN but does not roll back: see `batch`.
 */
export class RqliteClient extends KnexSqlite {
  declare readonly config: RqliteClientConfig;
  /** Holds the state, because knex copies `driver`, and little else, when it derives a client. */
  declare driver: RqliteTransport;

  constructor(config: RqliteClientConfig) {
    // knex creates no driver without a `connection`; the real configuration is in `rqlite`.
    super({ ...config, connection: { filename: '' }, useNullAsDefault: true, compileSqlOnError: false });
  }

  _driver(): RqliteTransport {
    return new RqliteTransport(this.config.rqlite);
  }

  /** The HTTP client has its own pool, and connections have no state. */
  override async acquireConnection(): Promise<object> {
    return this.driver;
  }

  override async releaseConnection(): Promise<void> {
    // Nothing to release.
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
    const statement = toStatement(query);
    const idempotent = query.options?.idempotent ?? isRepeatable(statement);
    const [result] = await this.send([statement], { idempotent, transaction: false });
    query.response = result?.rows ?? [];
    query.context = { lastID: result?.lastId ?? 0, changes: result?.changes ?? 0 };
    return query;
  }

  /** Rejects with the error of the first statement that failed. */
  async send(
    statements: readonly ClassifiedStatement[],
    { idempotent, transaction }: { idempotent: boolean; transaction: boolean },
  ): Promise<DecodedResult[]> {
    // In a transaction, the endpoint for both goes on after a statement that it cannot compile, and
    // commits the others.
    const onlyWrites =
      transaction && statements.every(({ kind }) => kind === 'write' || kind === 'repeatable write');
    const endpoint = onlyWrites ? '/db/execute' : '/db/request';
    const onlyReads = statements.every(({ kind }) => kind === 'read');
    const path = `${endpoint}?blob_array${transaction ? '&transaction' : ''}${onlyReads ? CONSISTENT_READ : ''}`;
    const { results = [] } = await this.driver.post(path, encodeStatements(statements), {
      idempotent,
      writes: !onlyReads,
    });
    const read = () =>
      results.map((result, at) => decodeResult(result, statements.length > 1 ? at : undefined));
    return onlyReads ? read() : readingWrites(read);
  }
}

Object.assign(RqliteClient.prototype, { driverName: 'rqlite' });

/** Converts knex's query to a statement. Throws for an empty query. */
export function toStatement({ sql, bindings }: KnexQuery): ClassifiedStatement {
  if (sql === '') throw new RqliteError('SQLITE_ERROR', 'the query is empty');
  return { sql, bindings: bindings ?? [], kind: kindOf(sql) };
}
