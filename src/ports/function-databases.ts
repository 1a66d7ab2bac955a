import type { Namespace } from '../contract/ids.js';
import type { Closable } from './closable.js';

/** A JSON value that SQLite can hold; blobs travel as {"$blob": "<base64>"}. */
export type SqlArgs = readonly unknown[];

export interface SqlResult {
  rowsAffected: number;
  lastInsertId: number | bigint | null;
}

export interface SqlOperation {
  kind: 'query' | 'exec';
  sql: string;
  args: SqlArgs;
}

/**
 * A SELECT in parts, as clients without SQL of their own send it. Names are names, whatever they
 * hold.
 */
export interface Selection {
  table: string;
  alias?: string | undefined;
  /** Expressions, each of which may name its column; none for all columns. */
  columns: readonly string[];
  joins: readonly { kind: 'INNER' | 'LEFT'; table: string; on: string }[];
  /**
   * Put together as SQL has it: AND binds tighter than OR. The first one's `conj` has no effect.
   */
  where: readonly Condition[];
  groupBy: readonly string[];
  /** A column with ASC or DESC, NULLS FIRST or NULLS LAST behind it. */
  orderBy: readonly string[];
  limit?: number | undefined;
  offset?: number | undefined;
}

export type Condition =
  | { conj: 'AND' | 'OR'; expr: string; args: SqlArgs }
  /** Null finds rows that have no value. */
  | { conj: 'AND' | 'OR'; column: string; value: unknown };

/**
 * One database per namespace, never the engine's own. Every statement passes the guard of contract
 * §2 (one statement, an allowed leading keyword, no ATTACH, PRAGMA, VACUUM or load_extension);
 * `query` never writes. Throws `invalid_sql` with the database's own sentence, `unavailable` when
 * it is away or the deadline has passed.
 */
export interface FunctionDatabases extends Closable {
  readonly driver: string;
  /**
   * Rows as objects, integers beyond 2^53 as bigints: write them with `stringifyExact`. Of several
   * columns with one name the second is `name:2`. At most 8 MB of JSON.
   */
  query(
    namespace: Namespace,
    sql: string,
    args: SqlArgs,
    options: SqlOptions,
  ): Promise<Record<string, unknown>[]>;
  /**
   * The rows of a selection whose expressions have passed the guard each by itself, and the
   * statement that they make as a whole.
   */
  select(namespace: Namespace, selection: Selection, options: SqlOptions): Promise<Record<string, unknown>[]>;
  execute(namespace: Namespace, sql: string, args: SqlArgs, options: SqlOptions): Promise<SqlResult>;
  /** All or none. One element per operation: rows for a query, a result for an exec. */
  transaction(
    namespace: Namespace,
    operations: readonly SqlOperation[],
    options: SqlOptions,
  ): Promise<(Record<string, unknown>[] | SqlResult)[]>;
  /** What the namespace's database takes: 0 without one. */
  bytes(namespace: Namespace): Promise<number>;
  ping(): Promise<void>;
}

export interface SqlOptions {
  /** Milliseconds; a statement that runs longer is stopped, others go on. */
  timeoutMs: number;
  signal?: AbortSignal;
  /**
   * How large the namespace's database may be; by default what it was opened with. A statement that
   * would make it larger is refused with `quota_exceeded`, and what is deleted makes room. An
   * RQLite is the operator's to bound: this is for SQLite files.
   */
  maxDatabaseBytes?: number;
}
