import { randomBytes } from 'node:crypto';

/** Names this process on the bus: where its replies go. New at every start. */
export function newProcessId(): string {
  return randomBytes(9).toString('base64url');
}
