import { isUtf8 } from 'node:buffer';
import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from '@photostructure/sqlite';
import { MB } from '../../../src/contract/limits.js';
import { keepWriteAheadLog } from '../../write-ahead-log.js';
import type { SqlArgument } from '../arguments.js';
import { exactQuery, notUtf8 } from '../exact-query.js';
import { type BoundStatement, changesRows, type StatementOutcome } from '../executor.js';
import { castToText } from '../parameters.js';
import { NO_ROWS, ResultBudget, RowWriter } from '../rows.js';
import { toJsonValue } from '../values.js';
import { Authorizer } from './sqlite-authorizer.js';
import { primaryCode, SQLITE, SqliteFault } from './sqlite-errors.js';

const BUSY_TIMEOUT_MS = 5_000;
/** The limit of a text, a blob or a row, in bytes. */
const MAX_VALUE_BYTES = 64 * MB;
/**
 * A comment appended to a statement. If SQLite keeps it, the text is a single statement: of a text
 * with several statements, SQLite keeps only the part that it has compiled.
 */
const END = '\n--end';
/**
 * How long a write waits for queries that keep the WAL from being emptied, in milliseconds. Other
 * writes wait meanwhile.
 */
const EMPTY_LOG_TIMEOUT_MS = 1_000;
/**
 * The size to which the WAL is cut when it is begun anew. Larger than it becomes without long
 * queries: SQLite copies it into the database after every 4 MB.
 */
const KEPT_LOG_BYTES = 8 * MB;
/** SQLite's largest page count, which means no limit. */
const UNBOUNDED_PAGES = 0xff_ff_ff_fe;

/** The database file of one namespace, opened so that statements can access nothing else. */
export class SandboxedDatabase {
  readonly #file: string;
  readonly #database: DatabaseSyncInstance;
  readonly #authorizer = new Authorizer();
  #readsOnly = false;
  #maxBytes: number | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#database = new DatabaseSync(file, {
      timeout: BUSY_TIMEOUT_MS,
      readBigInts: true,
      returnArrays: true,
      enableForeignKeyConstraints: true,
      // SQLite's default, unless built otherwise, and also that of RQLite.
      enableDoubleQuotedStringLiterals: true,
      // Forbids writing to sqlite_master, and journal modes that could lose committed data.
      defensive: true,
      limits: { attach: 0, length: MAX_VALUE_BYTES },
    });
    // Sorts and transient tables stay in memory, which is limited: no files other than the database
    // and its WAL are opened.
    for (const pragma of [
      'synchronous = full',
      'trusted_schema = off',
      'temp_store = memory',
      `journal_size_limit = ${KEPT_LOG_BYTES}`,
    ]) {
      this.#database.exec(`pragma ${pragma}`);
    }
    keepWriteAheadLog(this.#database, BUSY_TIMEOUT_MS);
    this.#database.setAuthorizer(this.#authorizer.decide);
  }

  close(): void {
    this.#database.close();
  }

  /**
   * Runs one operation alone, several in one transaction. Calls `done` with the outcome of each
   * operation, and `beforeCommit` before a write may take effect. Throws SQLite's errors, or
   * SqliteFault.
   */
  run(
    operations: readonly BoundStatement[],
    maxBytes: number | undefined,
    done: (outcome: StatementOutcome) => void,
    beforeCommit: () => void = () => {},
  ): void {
    const writes = operations.some(({ kind, verb }) => kind === 'exec' && verb !== 'select');
    try {
      this.#bound(maxBytes);
      if (writes) this.#beginWrite(maxBytes);
      else if (operations.length > 1) this.#own('begin');
      try {
        const budget = new ResultBudget();
        for (const operation of operations) done(this.#execute(operation, budget));
      } catch (error) {
        // INSERT OR FAIL keeps the rows that it has inserted before the one that failed.
        if (operations.length === 1 && writes) this.#commit(beforeCommit);
        throw error;
      }
      this.#commit(writes ? beforeCommit : () => {});
    } catch (error) {
      if (this.#database.isTransaction) this.#own('rollback');
      if (primaryCode(error) === SQLITE.full && this.#maxBytes !== undefined && !this.#isDiskFull())
        throw new SqliteFault('OVER_LIMIT', String(this.#usedBytes()));
      throw error;
    }
  }

  /**
   * Begins a transaction that writes, unless the WAL is larger than the database may be: SQLite
   * cannot begin the WAL anew while a query reads from it, so a long query would let writes of the
   * same rows fill the disk.
   */
  #beginWrite(maxBytes: number | undefined): void {
    this.#readOnly(false);
    this.#own('begin immediate');
    if (!this.#isLogOver(maxBytes)) return;
    this.#own('rollback');
    this.#emptyLog();
    this.#own('begin immediate');
    // Checked in the transaction, in which no other process writes.
    if (this.#isLogOver(maxBytes)) throw new SqliteFault('LOG_FULL', 'the write-ahead log is full');
  }

  #isLogOver(maxBytes = Number.POSITIVE_INFINITY): boolean {
    const log = statSync(`${this.#file}-wal`, { throwIfNoEntry: false });
    return log !== undefined && log.size > Math.max(maxBytes, KEPT_LOG_BYTES);
  }

  /**
   * Copies the WAL into the database and cuts it to nothing, if no query reads from it for long.
   */
  #emptyLog(): void {
    this.#own(`pragma busy_timeout = ${EMPTY_LOG_TIMEOUT_MS}`);
    try {
      this.#row('pragma wal_checkpoint(truncate)');
    } finally {
      this.#own(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  #commit(beforeCommit: () => void): void {
    if (!this.#database.isTransaction) return;
    beforeCommit();
    this.#own('commit');
  }

  #execute(operation: BoundStatement, budget: ResultBudget): StatementOutcome {
    this.#readOnly(operation.kind === 'query');
    return operation.kind === 'query' ? this.#query(operation, budget) : this.#write(operation);
  }

  /**
   * Runs a query. The binding cuts texts at a NUL and replaces invalid UTF-8, but returns bytes
   * unchanged: so texts are read as bytes, and bytes as hexadecimal.
   */
  #query(operation: BoundStatement, budget: ResultBudget): StatementOutcome {
    const columns = columnNames(this.#database.prepare(operation.sql));
    const { sql, bindings } = bind(operation);
    const statement = this.#database.prepare(exactQuery(sql, columns.length, asBytes));
    const rows = new RowWriter(columns, budget);
    for (const found of statement.iterate(...bindings) as Iterable<unknown>) {
      const row = (found as unknown[]).map((value, at) => decode(value, columns[at]));
      if (!rows.add(row)) throw new SqliteFault('TOO_LARGE', 'the result is larger than 8 MB');
    }
    return { rows: rows.finish(), rowsAffected: 0, lastInsertId: null };
  }

  #write(operation: BoundStatement): StatementOutcome {
    const { verb } = operation;
    const { sql, bindings } = bind(operation);
    if (!changesRows(verb)) this.#refreshSchema();
    const whole = this.#database.prepare(sql + END);
    if (whole.expandedSQL?.endsWith(END) !== true)
      throw new SqliteFault('SEVERAL', 'only one statement a call is allowed');
    // ALTER TABLE … ADD COLUMN stores everything after the table name in the schema, including
    // comments.
    const statement = changesRows(verb) ? whole : this.#database.prepare(sql);
    if (statement.columns().length === 0) statement.run(...bindings);
    // Read the rows of RETURNING to the end, so that the statement completes.
    else for (const _ of statement.iterate(...bindings));
    const none = { rows: NO_ROWS, rowsAffected: 0, lastInsertId: null };
    // For other statements, the counters are those of an earlier statement.
    if (!changesRows(verb)) return none;
    const [changed, id] = this.#row('select changes(), last_insert_rowid()') as [bigint, bigint];
    const inserted = (verb === 'insert' || verb === 'replace') && changed > 0n;
    return {
      ...none,
      rowsAffected: Number(changed),
      lastInsertId: inserted ? (toJsonValue(id) as number | bigint) : null,
    };
  }

  /** Uses SQLite's `query_only` pragma to ensure that a query cannot write. */
  #readOnly(readsOnly: boolean): void {
    if (this.#readsOnly === readsOnly) return;
    this.#own(`pragma query_only = ${readsOnly ? 1 : 0}`);
    this.#readsOnly = readsOnly;
  }

  #bound(maxBytes: number | undefined): void {
    if (this.#maxBytes === maxBytes) return;
    const [pageSize] = this.#row('pragma page_size') as [bigint];
    const pages =
      maxBytes === undefined ? UNBOUNDED_PAGES : Math.max(1, Math.floor(maxBytes / Number(pageSize)));
    this.#own(`pragma max_page_count = ${pages}`);
    this.#maxBytes = maxBytes;
  }

  /** Distinguishes a full disk from a full database, for which SQLite reports the same error. */
  #isDiskFull(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#file));
    return bavail * bsize < MAX_VALUE_BYTES;
  }

  #usedBytes(): number {
    const figures = ['page_count', 'freelist_count', 'page_size'].map((name) => this.#row(`pragma ${name}`));
    const [pages = 0, free = 0, size = 0] = figures.map((row) => Number((row as [bigint])[0]));
    return (pages - free) * size;
  }

  /**
   * Reads the schema again if another process has changed it. SQLite does so by itself when a
   * statement runs, but ALTER TABLE looks for its columns before.
   */
  #refreshSchema(): void {
    this.#row('select 1 from sqlite_schema limit 1');
  }

  #own(sql: string): void {
    this.#authorizer.trust(() => this.#database.exec(sql));
  }

  #row(sql: string): unknown {
    return this.#authorizer.trust(() => this.#database.prepare(sql).get());
  }
}

/**
 * Converts arguments: integers to bigint, so that they stay integers, and texts with a NUL, which
 * the binding would cut, to bytes.
 */
function bind({ sql, parameters, args }: BoundStatement): { sql: string; bindings: SqlArgument[] } {
  const cast = new Set<number>();
  const bindings = args.map((value, at) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value !== 'string' || !value.includes('\0')) return value;
    cast.add(at + 1);
    return Buffer.from(value);
  });
  return { sql: cast.size === 0 ? sql : castToText(sql, parameters, cast), bindings };
}

function columnNames(statement: StatementSyncInstance): string[] {
  return statement.columns().map(({ name }) => name);
}

function asBytes(name: string): string {
  return `case typeof(${name}) when 'text' then cast(${name} as blob) when 'blob' then hex(${name}) else ${name} end`;
}

function decode(value: unknown, column: string | undefined): unknown {
  if (typeof value === 'string') return { $blob: Buffer.from(value, 'hex').toString('base64') };
  if (!(value instanceof Uint8Array)) return toJsonValue(value);
  if (!isUtf8(value)) throw new SqliteFault('NOT_UTF8', notUtf8(column));
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
}
