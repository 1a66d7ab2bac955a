import knex from 'knex';
import { AppError } from '../../src/errors.js';
import type { Database } from '../database.js';
import { knexDatabase, queryFailed, statementRefused } from '../knex-database.js';
import { SqliteClient, type SqliteClientConfig } from './sqlite/client.js';
import { SqliteError } from './sqlite/errors.js';
import { SqliteThread } from './sqlite/sqlite-thread.js';

export interface SqliteOptions {
  /** The database file; created when absent. Its directory must exist. */
  file: string;
}

/**
 * How long a statement waits for another process's write, in milliseconds. Several processes may
 * share the file.
 */
const BUSY_TIMEOUT_MS = 10_000;

/**
 * Opens a SQLite database in a thread of its own. Rejects with `unavailable` when the file cannot
 * be opened.
 */
export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const sqlite = await SqliteThread.open({ file: options.file, busyTimeoutMs: BUSY_TIMEOUT_MS }).catch(
    (error: unknown) => {
      throw toAppError(error);
    },
  );
  const config: SqliteClientConfig = { client: SqliteClient, sqlite };
  const builder = knex(config);
  const client = builder.client as SqliteClient;
  return knexDatabase({
    knex: builder,
    batch: async (queries) => (queries.length === 0 ? [] : client.batch(queries)),
    nodes: async () => [],
    toAppError,
    destroy: () => Promise.all([builder.destroy(), sqlite.close()]).then(() => undefined),
  });
}

const SENTENCES: readonly (readonly [prefix: string, sentence: string])[] = [
  ['SQLITE_FULL', 'The disk that holds the database is full; free some space and try again.'],
  ['SQLITE_IOERR', 'The database file cannot be read or written; check the disk that holds it.'],
  ['SQLITE_BUSY', 'The database file is locked by another process for too long; try again.'],
  ['SQLITE_LOCKED', 'The database file is locked by another process for too long; try again.'],
  ['SQLITE_CANTOPEN', 'The database file cannot be opened; check that its directory exists and is writable.'],
  ['SQLITE_READONLY', 'The database file cannot be written; check its permissions.'],
  ['SQLITE_CORRUPT', 'The database file is damaged; restore it from a backup.'],
  ['SQLITE_NOTADB', 'The file is no SQLite database; check the data directory.'],
  ['SQLITE_NOMEM', 'The database ran out of memory.'],
  ['SQLITE_CLOSED', 'The database is closed.'],
  ['SQLITE_THREAD', 'The thread that runs the database has died; restart the process.'],
];

/**
 * The codes of errors that are about the statement and its values. All others, also of later
 * versions of SQLite, are about the database, and the same statement may succeed afterwards.
 */
const REFUSALS = [
  'SQLITE_ERROR',
  'SQLITE_CONSTRAINT',
  'SQLITE_TOOBIG',
  'SQLITE_MISMATCH',
  'SQLITE_RANGE',
  'SQLITE_NO_TRANSACTION',
];

/** Converts driver errors to `AppError`s. */
function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof SqliteError)) {
    return queryFailed(error);
  }
  if (REFUSALS.some((prefix) => error.code.startsWith(prefix))) return statementRefused(error);
  const known = SENTENCES.find(([prefix]) => error.code.startsWith(prefix));
  const sentence = known?.[1] ?? `The database cannot be used right now (${error.code}); try again.`;
  return new AppError('unavailable', sentence, { cause: error });
}
