import { AppError, isAppError } from '../errors.js';
import type { Logger } from '../logger.js';

/** What a client is told of a failure; what nobody foresaw is told to the log alone. */
export function toAppError(
  error: unknown,
  logger: Logger,
  where: { method: string; path: string },
): AppError {
  // The query is left out: it may hold a credential.
  const [path] = where.path.split('?');
  if (isAppError(error)) {
    if (error.status >= 500) logger.warn({ err: error, ...where, path }, 'a request failed');
    return error;
  }
  logger.error({ err: error, ...where, path }, 'a request failed');
  return new AppError('internal', 'The engine failed at this request; its log has the details.', {
    cause: error,
  });
}
