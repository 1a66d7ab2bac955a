import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { AppError } from '../errors.js';
import type { ClientAddresses } from './client-address.js';
import { limitIdle, limitIdleRest } from './idle.js';
import { ANONYMOUS, CREDENTIALED, createMemoryBudget } from './memory-budget.js';

/**
 * A body of at most this many bytes that came with its headers is in memory already, and not for
 * long.
 */
const SMALL_BYTES = 64 << 10;

/** What one body may hold of the memory. */
export interface BodyShare {
  /** False: there is no room for them. */
  take(bytes: number): boolean;
  /** What is answered then. */
  refusal(): AppError;
  /** The body has been read, and is somebody else's to count. */
  handedOver(): void;
}

/** What holds of every body that is read, on every port. */
export interface BodyLimits {
  /**
   * Called before a body is read: limits how long it may pause, and what all bodies of its
   * namespace, or of its address where it has no credential, may hold of the memory.
   */
  begin(request: IncomingMessage, response: ServerResponse, namespace: Namespace | null): BodyShare | null;
  /**
   * Called before a large reply is read into memory, where it stays until its reader has taken it:
   * throws `rate_limited` when the namespace has no room for it.
   */
  holdReply(response: ServerResponse, namespace: Namespace, bytes: number): void;
  /** Called with a reply: limits how long the rest of a body that was not read may pause. */
  limitRest(request: IncomingMessage, response: ServerResponse): void;
}

export function createBodyLimits(clients: ClientAddresses, idleMs: number): BodyLimits {
  const anonymous = createMemoryBudget(ANONYMOUS);
  const credentialed = createMemoryBudget(CREDENTIALED);
  return {
    begin(request, response, namespace) {
      limitIdle(request, idleMs);
      if (isAllThere(request)) return null;
      const share =
        namespace === null ? anonymous.share(clients.rateLimitKeyOf(request)) : credentialed.share(namespace);
      response.once('close', share.release);
      return {
        take: share.take,
        refusal: namespace === null ? strangersFull : namespaceFull,
        // What a stranger has sent counts until it is answered.
        handedOver: namespace === null ? () => undefined : share.release,
      };
    },
    holdReply(response, namespace, bytes) {
      const share = credentialed.share(namespace);
      if (!share.take(bytes)) throw namespaceFull();
      response.once('close', share.release);
    },
    limitRest: (request, response) => limitIdleRest(request, response, idleMs),
  };
}

function isAllThere(request: IncomingMessage): boolean {
  return request.complete && Number(request.headers['content-length'] ?? 0) <= SMALL_BYTES;
}

function strangersFull(): AppError {
  return new AppError(
    'rate_limited',
    'Too many bytes of calls without a credential are under way; try again in a moment, or send an API key.',
    { retryAfter: 1 },
  );
}

function namespaceFull(): AppError {
  return new AppError(
    'rate_limited',
    `Requests of this namespace that are under way have all the memory that they may have, ${CREDENTIALED.each / MB} MB; try again when some have ended.`,
    { retryAfter: 1 },
  );
}
