import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Namespace } from '../contract/ids.js';
import { MB } from '../contract/limits.js';
import { AppError } from '../errors.js';
import { ANONYMOUS, CREDENTIALED, createBufferBudget } from './buffer-budget.js';
import type { ClientAddresses } from './client-address.js';
import { limitIdle, limitIdleRest } from './idle.js';

/** A complete body of at most this size is in memory already and is not accounted. */
const SMALL_BYTES = 64 << 10;

/** The memory of one body. */
export interface BodyShare {
  /** Returns false if the bytes exceed the budget. */
  take(bytes: number): boolean;
  /** Returns the error for a body that exceeds the budget. */
  limitError(): AppError;
  /** Releases the share when the body has been read and is accounted elsewhere. */
  releaseAfterRead(): void;
}

/** Limits that apply to every request body on every port. */
export interface BodyLimits {
  /**
   * Call it before a body is read. Limits how long the body may pause, and the memory of all bodies
   * of its namespace, or of its address if it has no credential.
   */
  begin(request: IncomingMessage, response: ServerResponse, namespace: Namespace | null): BodyShare | null;
  /**
   * Call it before a large response is read into memory, where it stays until the client has read
   * it. Throws `rate_limited` if it exceeds the budget of the namespace.
   */
  holdReply(response: ServerResponse, namespace: Namespace, bytes: number): void;
  /**
   * Call it when a response is sent. Limits how long the remaining part of an unread body may
   * pause.
   */
  limitRest(request: IncomingMessage, response: ServerResponse): void;
}

export function createBodyLimits(clients: ClientAddresses, idleMs: number): BodyLimits {
  const anonymous = createBufferBudget(ANONYMOUS);
  const credentialed = createBufferBudget(CREDENTIALED);
  return {
    begin(request, response, namespace) {
      limitIdle(request, idleMs);
      if (isBuffered(request)) return null;
      const share =
        namespace === null ? anonymous.share(clients.rateLimitKeyOf(request)) : credentialed.share(namespace);
      response.once('close', share.release);
      return {
        take: share.take,
        limitError: namespace === null ? anonymousLimitError : namespaceLimitError,
        // Bodies of anonymous requests are accounted until the request has been answered.
        releaseAfterRead: namespace === null ? () => undefined : share.release,
      };
    },
    holdReply(response, namespace, bytes) {
      const share = credentialed.share(namespace);
      if (!share.take(bytes)) throw namespaceLimitError();
      response.once('close', share.release);
    },
    limitRest: (request, response) => limitIdleRest(request, response, idleMs),
  };
}

function isBuffered(request: IncomingMessage): boolean {
  return request.complete && Number(request.headers['content-length'] ?? 0) <= SMALL_BYTES;
}

function anonymousLimitError(): AppError {
  return new AppError(
    'rate_limited',
    'Requests in flight without a credential use all memory that they may have; try again in a moment, or send an API key.',
    { retryAfter: 1 },
  );
}

function namespaceLimitError(): AppError {
  return new AppError(
    'rate_limited',
    `Requests in flight of this namespace use all memory that they may have, ${CREDENTIALED.each / MB} MB; try again when some have completed.`,
    { retryAfter: 1 },
  );
}
