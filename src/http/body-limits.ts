import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BodyShare, createBodyBudget } from './body-budget.js';
import type { ClientAddresses } from './client-address.js';
import { limitIdle, limitIdleRest } from './idle.js';

/** A complete body of at most this size is in memory already and is not accounted. */
const SMALL_BYTES = 64 << 10;

/** Limits that apply to every request body on every port. */
export interface BodyLimits {
  /**
   * Call it before a body is read. Limits how long the body may pause and, if the request is
   * anonymous, the memory that it takes.
   */
  begin(request: IncomingMessage, response: ServerResponse, isAnonymous: boolean): BodyShare | null;
  /**
   * Call it when a response is sent. Limits how long the remaining part of an unread body may
   * pause.
   */
  limitRest(request: IncomingMessage, response: ServerResponse): void;
}

export function createBodyLimits(clients: ClientAddresses, idleMs: number): BodyLimits {
  const budget = createBodyBudget();
  return {
    begin(request, response, isAnonymous) {
      limitIdle(request, idleMs);
      if (!isAnonymous || isAllThere(request)) return null;
      const share = budget.share(clients.rateLimitKeyOf(request));
      response.once('close', share.release);
      return share;
    },
    limitRest: (request, response) => limitIdleRest(request, response, idleMs),
  };
}

function isAllThere(request: IncomingMessage): boolean {
  return request.complete && Number(request.headers['content-length'] ?? 0) <= SMALL_BYTES;
}
