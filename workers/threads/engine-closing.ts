import { AppError } from '../../src/errors.js';

/** Returns the error for what arrives or waits while the engine closes. */
export function engineClosing(
  consequence: 'starts no further runs' | 'compiles no further modules',
): AppError {
  return new AppError('unavailable', `The engine is closing and ${consequence}.`);
}
