import { isAppError } from '../src/errors.js';

/**
 * Returns the error to report when a database cannot be used at start: the cause that names the
 * server and its setting, which callers never read.
 */
export function forOperator(error: unknown): unknown {
  return isAppError(error) && isAppError(error.cause, 'bad_config') ? error.cause : error;
}
