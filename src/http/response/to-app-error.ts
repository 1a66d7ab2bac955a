import { AppError, isAppError } from '../../errors.js';
import type { Logger } from '../../logger.js';

/**
 * Returns the error for the client. Unexpected errors are only logged, and reported as `internal`.
 */
export function toAppError(
  error: unknown,
  logger: Logger,
  where: { method: string; path: string },
): AppError {
  // The query may contain a credential and is not logged.
  const [path] = where.path.split('?');
  if (isAppError(error)) {
    if (error.status >= 500) logger.warn({ err: error, ...where, path }, 'a request failed');
    return error;
  }
  logger.error({ err: error, ...where, path }, 'a request failed');
  return new AppError('internal', "An internal error occurred; see the engine's log.", { cause: error });
}
