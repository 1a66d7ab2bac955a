import { decodeResponse } from '../../contract/http-exchange.js';
import { ERRORS } from '../../errors.js';
import type { Reply } from './reply.js';

/** The part of a reply that determines the HTTP status. */
export type Replied = Pick<Reply, 'status' | 'output' | 'response' | 'inputRefused' | 'code'>;

/** Returns the HTTP status of a function's reply (contract §8). */
export function httpStatusOf(reply: Replied): number {
  const own = decodeResponse(reply.response);
  if (own.kind === 'set') return own.response.status;
  if (own.kind === 'invalid') return 502;
  if (reply.code !== undefined) return ERRORS[reply.code].status;
  if (reply.status === 'success') return reply.output.byteLength === 0 ? 204 : 200;
  if (reply.status === 'timeout') return 504;
  if (reply.status === 'cancelled') return 499;
  return reply.inputRefused ? 422 : 500;
}
