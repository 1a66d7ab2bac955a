import { AppError } from '../../src/errors.js';

const NO_THREAD = "No thread can be started for functions; the engine's log has the details.";

/**
 * Thrown when a guest cannot run, or a module cannot be compiled, because this process can start no
 * thread or has no memory for an instance: another attempt, or another worker, may succeed.
 */
export class ThreadsUnavailable extends AppError {
  constructor(cause?: Error, sentence = NO_THREAD) {
    super('unavailable', sentence, { cause });
    this.name = 'ThreadsUnavailable';
  }
}
