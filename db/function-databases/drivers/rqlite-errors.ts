import { AppError } from '../../../src/errors.js';
import { RqliteError } from '../../drivers/rqlite/errors.js';
import { tooLarge } from '../rows.js';

const UNREACHABLE = 'The database of this namespace cannot be reached right now; try again in a moment.';

/**
 * Returns the error of a statement as its function sees it.
 *
 * @param numbered Whether an error of SQLite names the operation, because there are several.
 */
export function toAppError(error: unknown, timeoutMs: number, numbered: boolean): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof RqliteError))
    return new AppError('internal', "The functions’ database failed; the engine's log has the details.", {
      cause: error,
    });
  const options = { cause: error };
  if (error.inDoubt) {
    return new AppError(
      'ambiguous_write',
      'The database did not confirm the write; check whether the write took place before repeating it.',
      options,
    );
  }
  switch (error.code) {
    case 'RQLITE_UNAVAILABLE':
    case 'RQLITE_REFUSED':
      return new AppError('unavailable', UNREACHABLE, {
        cause: new AppError(
          'bad_config',
          'The RQLite of FUNCTION_DB_URL cannot be reached; check the URL and the server.',
          options,
        ),
      });
    case 'RQLITE_UNAUTHORIZED':
      return new AppError('unavailable', UNREACHABLE, {
        cause: new AppError(
          'bad_config',
          'RQLite does not accept the credentials in FUNCTION_DB_URL.',
          options,
        ),
      });
    case 'RQLITE_AMBIGUOUS':
      return new AppError(
        'ambiguous_write',
        'The connection to the database was lost before it confirmed the write; check whether the write took place before repeating it.',
        options,
      );
    case 'RQLITE_TIMEOUT':
      return new AppError(
        'unavailable',
        `The statement was stopped: it did not end within ${timeoutMs} ms.`,
        options,
      );
    case 'RQLITE_ABORTED':
      return new AppError('unavailable', 'The statement was stopped: its invocation has ended.', options);
    case 'SQLITE_FULL':
    case 'SQLITE_IOERR':
    case 'SQLITE_BUSY':
      return new AppError(
        'unavailable',
        'The database cannot take the statement right now; try again in a moment.',
        options,
      );
    case 'RQLITE_TOO_LARGE':
      return new AppError('invalid_sql', `${tooLarge(numbered).replace(/^t/, 'T')}.`, options);
    case 'SQLITE_READONLY':
      return new AppError('invalid_sql', 'A query only reads; use execute to write.', options);
    default: {
      const where = numbered && error.statement !== undefined ? `Operation ${error.statement + 1}: ` : '';
      return new AppError('invalid_sql', `${where}${error.reason}.`, options);
    }
  }
}
