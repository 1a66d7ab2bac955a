import type { HttpExchangeResponse } from '../contract/http-exchange.js';
import type { Reply } from './replies.js';

/** A function's reply, as far as the status of an HTTP reply follows from it. */
export type Replied = Pick<Reply, 'status' | 'output' | 'response' | 'refused' | 'code'>;

/**
 * What a function set with `http_respond`; null when that cannot be sent, undefined when it set
 * nothing.
 */
export function ownResponse({ response }: Replied): HttpExchangeResponse | null | undefined {
  return response === undefined ? undefined : (JSON.parse(response) as HttpExchangeResponse | null);
}

/** The status with which an HTTP function's reply is sent (contract §8). */
export function httpStatusOf(reply: Replied): number {
  const own = ownResponse(reply);
  if (own !== undefined) return own === null ? 502 : own.status;
  if (reply.code === 'unavailable') return 503;
  if (reply.status === 'success') return reply.output.byteLength === 0 ? 204 : 200;
  if (reply.status === 'timeout') return 504;
  if (reply.status === 'cancelled') return 499;
  return reply.refused ? 422 : 500;
}
