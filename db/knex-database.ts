import type { Knex } from 'knex';
import { AppError } from '../src/errors.js';
import type { Database, Query } from './database.js';

/** What differs between the databases that knex reaches. */
export interface DatabaseParts extends Pick<Database, 'batch' | 'nodes'> {
  knex: Knex;
  /** Converts the driver's errors to `AppError`s. */
  toAppError(error: unknown): AppError;
  destroy(): Promise<void>;
}

/** Creates a `Database`: adds the conversion of errors, and an idempotent `close`. */
export function knexDatabase({ knex, toAppError, ...parts }: DatabaseParts): Database {
  let closing: Promise<void> | undefined;
  const converted = async <T>(work: () => PromiseLike<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toAppError(error);
    }
  };
  return {
    knex,
    run: <T>(query: Query<T>) => converted(() => query),
    batch: (queries, options) => converted(() => parts.batch(queries, options)),
    nodes: () => converted(() => parts.nodes()),
    async ping() {
      await converted(() => knex.raw('select 1'));
    },
    close() {
      closing ??= parts.destroy();
      return closing;
    },
  };
}

/** The error for a failure that the database itself did not report. */
export function queryFailed(cause: unknown): AppError {
  return new AppError('internal', "An internal query failed; the engine's log has the details.", { cause });
}

/** The error for a statement that the database refused. */
export function statementRefused(cause: unknown): AppError {
  return new AppError(
    'internal',
    "The database refused an internal query; the engine's log has the details.",
    { cause },
  );
}
