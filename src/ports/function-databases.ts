import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

/** JSON values that SQLite supports; blobs are encoded as {"$blob": "<base64>"}. */
export type SqlArgs = readonly unknown[];

export interface SqlResult {
  rowsAffected: number;
  lastInsertId: number | bigint | null;
}

/** The rows of a query. */
export interface SqlRows {
  /**
   * A JSON array with an object per row, at most 8 MB. Text, because callers pass it on: creating
   * and writing the objects of a large result would block the event loop for half a second.
   * Integers beyond 2^53 are written exactly. If several columns have the same name, the second one
   * is named `name:2`.
   */
  json: string;
  count: number;
}

export interface SqlOperation {
  kind: 'query' | 'exec';
  sql: string;
  args: SqlArgs;
}

/**
 * A SELECT in structured form, for clients that do not write SQL. Names are always quoted as
 * identifiers.
 */
export interface Selection {
  table: string;
  alias?: string | undefined;
  /** Column expressions, each with an optional alias; empty for all columns. */
  columns: readonly string[];
  joins: readonly { kind: 'INNER' | 'LEFT'; table: string; on: string }[];
  /**
   * Conditions, combined as in SQL: AND binds tighter than OR. The first condition's `conj` is
   * ignored.
   */
  where: readonly Condition[];
  groupBy: readonly string[];
  /** A column, optionally followed by ASC or DESC and by NULLS FIRST or NULLS LAST. */
  orderBy: readonly string[];
  limit?: number | undefined;
  offset?: number | undefined;
}

export type Condition =
  | { conj: 'AND' | 'OR'; expr: string; args: SqlArgs }
  /** A value of null matches rows in which the column is NULL. */
  | { conj: 'AND' | 'OR'; column: string; value: unknown };

/**
 * One database per namespace, separate from the engine's own. Every statement passes the guard of
 * contract §2: a single statement with an allowed leading keyword, and no ATTACH, PRAGMA, VACUUM or
 * load_extension. `query` never writes. Throws `invalid_sql` with the database's message,
 * `unavailable` if the database is unreachable or the deadline has passed, `ambiguous_write` if a
 * write may have taken place nevertheless, or `rate_limited` if too many statements of the
 * namespace run or wait.
 */
export interface FunctionDatabases extends Closable {
  query(namespace: Namespace, sql: string, args: SqlArgs, options: SqlOptions): Promise<SqlRows>;
  /**
   * Resolves with the rows of a selection. Each expression passes the guard separately, and so does
   * the complete statement.
   */
  select(namespace: Namespace, selection: Selection, options: SqlOptions): Promise<SqlRows>;
  execute(namespace: Namespace, sql: string, args: SqlArgs, options: SqlOptions): Promise<SqlResult>;
  /**
   * Runs the operations atomically. The result has one element per operation: rows for a query, at
   * most 8 MB in total, a result for an exec.
   */
  transaction(
    namespace: Namespace,
    operations: readonly SqlOperation[],
    options: SqlOptions,
  ): Promise<(SqlRows | SqlResult)[]>;
  /** Size of the namespace's database; 0 if there is none. */
  bytes(namespace: Namespace): Promise<number>;
  /**
   * Size that counts towards the quota of the namespace; 0 on RQLite, whose operator limits it, so
   * that it is known also while RQLite is away.
   */
  quotaBytes(namespace: Namespace): Promise<number>;
  ping(): Promise<void>;
}

export interface SqlOptions {
  /** Milliseconds. A statement that runs longer is aborted without affecting others. */
  timeoutMs: number;
  signal?: AbortSignal;
  /**
   * Maximum size of the namespace's database; default: the size it was opened with. A statement
   * that would exceed it throws `quota_exceeded`; deleted rows free space. Applies to SQLite files
   * only, since the operator limits an RQLite cluster.
   */
  maxDatabaseBytes?: number;
}
