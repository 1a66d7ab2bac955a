import { AppError } from '../../src/errors.js';

/**
 * The blobs are away and the module is not compiled here yet: another attempt, or another worker,
 * may have it.
 */
export class ModuleUnavailable extends AppError {
  constructor(message: string, cause: unknown) {
    super('unavailable', message, { cause });
    this.name = 'ModuleUnavailable';
  }
}
