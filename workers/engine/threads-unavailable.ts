import { AppError } from '../../src/errors.js';

/**
 * Thrown when no guest can run, or no module can be compiled, because this process can start no
 * thread: another attempt, or another worker, may succeed.
 */
export class ThreadsUnavailable extends AppError {
  constructor(cause: Error) {
    const sentence = "No thread can be started for functions; the engine's log has the details.";
    super('unavailable', sentence, { cause });
    this.name = 'ThreadsUnavailable';
  }
}
