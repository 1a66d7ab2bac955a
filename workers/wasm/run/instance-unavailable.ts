import { AppError } from '../../../src/errors.js';

/**
 * Thrown when the machine has no memory or address space for an instance. Not the guest's fault: it
 * has not begun, and another process, or this one later, may run it.
 */
export class InstanceUnavailable extends AppError {
  constructor(cause: RangeError) {
    super('unavailable', `There is no memory for an instance of the module (${cause.message}).`, { cause });
    this.name = 'InstanceUnavailable';
  }
}
