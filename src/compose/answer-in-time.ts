import { withTimeout } from '../concurrency/timeout.js';
import { AppError } from '../errors.js';

/**
 * How long a page that shows the state of the engine waits for a dependency, in milliseconds. It
 * says which one did not answer rather than wait for it.
 */
const ANSWER_MS = 2000;

/** Settles as the request to a dependency does, or rejects after 2 s. */
export function answerInTime<T>(request: Promise<T>): Promise<T> {
  return withTimeout(ANSWER_MS, request, late);
}

function late(): AppError {
  return new AppError('unavailable', `no answer within ${ANSWER_MS / 1000} s`);
}
