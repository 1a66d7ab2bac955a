import type { Knex } from 'knex';
import type { Closable } from '../src/ports/closable.js';
import type { Node } from '../src/ports/node.js';

/** A query that knex has built and nobody has sent yet. */
export interface Query<T> extends PromiseLike<T> {
  toSQL(): object;
}

/**
 * What the repositories need of a database, and no more: knex to build queries, and two ways to
 * send them. There are no interactive transactions, because RQLite has none; what must happen
 * together goes into one `batch`. Both throw `AppError` only: `unavailable`, `ambiguous_write`, or
 * `internal` for a fault of ours.
 */
export interface Database extends Closable {
  readonly driver: string;
  /** Builds queries. Never await what it builds: pass it to `run` or `batch`. */
  readonly knex: Knex;
  /** Sends one query. A raw query gives its rows. */
  run<T>(query: Query<T>): Promise<T>;
  /**
   * All or none, in order, seen by nobody half done. One result per query, as `run` would give it.
   */
  batch(queries: readonly Query<unknown>[], options?: BatchOptions): Promise<unknown[]>;
  /** The servers that hold it: none where it is a file. */
  nodes(): Promise<Node[]>;
  /** Throws `unavailable` when the database is away. */
  ping(): Promise<void>;
}

interface BatchOptions {
  /**
   * True when doing it twice is the same as doing it once: then a lost answer is no reason to give
   * up.
   */
  idempotent?: boolean;
}
