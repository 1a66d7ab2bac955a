import { networkReason } from '../../network-reason.js';
import { nodeErrorCode } from '../../node-error-code.js';

/** Descriptions of failures to listen by the code of the error of Node. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it',
  EACCES: 'this user may not listen on a port below 1024',
  EADDRNOTAVAIL: 'this machine has no such address',
};

/** Returns why an address cannot be listened on, in a few words. */
export function listenReason(error: unknown): string {
  const code = nodeErrorCode(error);
  return REASONS[code] ?? networkReason(error);
}
