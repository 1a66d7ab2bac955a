import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BodyShare, createBodyBudget } from './body-budget.js';
import type { ClientAddresses } from './client-address.js';
import { limitIdle, limitIdleRest } from './idle.js';

/**
 * A body of at most this many bytes that came with its headers is in memory already, and not for
 * long.
 */
const SMALL_BYTES = 64 << 10;

/** What holds of every body that is read, on every port. */
export interface BodyLimits {
  /**
   * Called before a body is read: limits how long it may pause and, where nobody answers for it,
   * what it may hold of the memory.
   */
  begin(request: IncomingMessage, response: ServerResponse, isAnonymous: boolean): BodyShare | null;
  /** Called with a reply: limits how long the rest of a body that was not read may pause. */
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
