import { AppError } from '../../src/errors.js';

/**
 * Thrown when a module's blob cannot be loaded and the module is not compiled in this process:
 * another attempt, or another worker, may succeed.
 */
export class ModuleUnavailable extends AppError {
  constructor(message: string, cause: unknown) {
    super('unavailable', message, { cause });
    this.name = 'ModuleUnavailable';
  }
}
