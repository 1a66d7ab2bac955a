import { randomBytes } from 'node:crypto';

/**
 * Generates the id of this process on the bus, to which its replies are sent. New at every start.
 */
export function newProcessId(): string {
  return randomBytes(9).toString('base64url');
}
