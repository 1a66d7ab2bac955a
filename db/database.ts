import type { Knex } from 'knex';
import type { Closable } from '../src/ports/closable.js';
import type { Node } from '../src/ports/node.js';

/** A query that knex has built and that has not been sent yet. */
export interface Query<T> extends PromiseLike<T> {
  toSQL(): object;
}

/**
 * The operations that the repositories need of a database: knex to build queries, and two ways to
 * send them. There are no interactive transactions, because RQLite has none; statements that belong
 * together go into one `batch`. `run` and `batch` reject only with `AppError`: `unavailable`,
 * `ambiguous_write`, or `internal` for an error of the engine itself.
 */
export interface Database extends Closable {
  /** Builds queries. Never await a built query directly: pass it to `run` or `batch`. */
  readonly knex: Knex;
  /** Sends one query and resolves with knex's result of it; for a raw query, its rows. */
  run<T>(query: Query<T>): Promise<T>;
  /**
   * Executes all queries in one transaction, in order. Resolves with one result per query, as `run`
   * would return it.
   */
  batch(queries: readonly Query<unknown>[], options?: BatchOptions): Promise<unknown[]>;
  /** Resolves with the servers of the database; empty when it is a file. */
  nodes(): Promise<Node[]>;
  /** Rejects with `unavailable` when the database cannot be reached. */
  ping(): Promise<void>;
}

export interface BatchOptions {
  /**
   * Whether the batch may be executed twice with the same effect, so that it can be repeated when a
   * reply is lost. By default, this is derived from the SQL: true only for reads, for inserts that
   * ignore conflicts, and for `create … if not exists`.
   */
  idempotent?: boolean;
}
