import { AppError, messageOf } from '../../../src/errors.js';

/** What SQLite said. `reason` is its own sentence: knex puts the SQL in front of `message`. */
export class SqliteError extends Error {
  readonly code: string;
  readonly reason: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.name = 'SqliteError';
    this.code = code;
    this.reason = reason;
  }
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

/** In the words of the error table. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof SqliteError)) {
    return new AppError('internal', `The database query failed: ${messageOf(error)}`, { cause: error });
  }
  const known = SENTENCES.find(([prefix]) => error.code.startsWith(prefix));
  if (known !== undefined) return new AppError('unavailable', known[1], { cause: error });
  return new AppError('internal', `The database refused a statement: ${error.reason}.`, { cause: error });
}
