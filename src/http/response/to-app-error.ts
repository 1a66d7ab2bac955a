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

/** Returns the headers of an error's response, without those that depend on the request. */
export function errorHeaders({ code, retryAfter }: AppError): Record<string, string> {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (retryAfter !== undefined) headers['Retry-After'] = String(Math.max(1, Math.ceil(retryAfter)));
  // Do not wait for the rest of the body.
  if (code === 'request_timeout') headers.Connection = 'close';
  if (code === 'unauthorized') headers['WWW-Authenticate'] = 'Bearer realm="orama"';
  return headers;
}
