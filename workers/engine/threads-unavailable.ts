import { AppError } from '../../src/errors.js';

/**
 * Thrown when no guest can run in this process because no thread can be started: another attempt,
 * or another worker, may succeed.
 */
export class ThreadsUnavailable extends AppError {
  constructor(cause: Error) {
    const sentence = "No thread can be started to run functions; the engine's log has the details.";
    super('unavailable', sentence, { cause });
    this.name = 'ThreadsUnavailable';
  }
}
