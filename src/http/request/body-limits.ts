import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  ANONYMOUS,
  ANONYMOUS_REPLIES,
  type BufferReservation,
  CREDENTIALED,
  createBufferBudget,
} from '../../concurrency/buffer-budget.js';
import type { Namespace } from '../../contract/ids.js';
import { MB } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { ClientAddresses } from '../admission/client-address.js';
import { limitIdle, limitIdleRest, limitUnread } from './idle.js';

/**
 * A complete body of at most this size is in memory already and is not accounted, nor is a reply of
 * at most this size.
 */
const SMALL_BYTES = 64 << 10;

/** Half of the time within which a revocation takes effect, in milliseconds. */
const LONG_MS = 1000;

/** The memory of one body. */
export interface BodyReservation {
  /** Returns false if the bytes exceed the budget. */
  take(bytes: number): boolean;
  /** Returns the error for a body that exceeds the budget. */
  limitError(): AppError;
  /**
   * Returns whether the body took so long that its request must be authorized again, as a
   * credential may have been revoked.
   */
  tookLong(): boolean;
  /** Releases the reservation when the body has been read and is accounted elsewhere. */
  releaseAfterRead(): void;
  /**
   * Handles the request. The handler does not end because its client has disconnected, so the body
   * is accounted at least until it has ended.
   */
  holdWhile(handle: () => Promise<void>): Promise<void>;
}

/** Limits that apply to every request and its reply on every port. */
export interface BodyLimits {
  /**
   * Call it before a body is read. Limits how long the body may pause, and the memory of all bodies
   * of its namespace, or of its address if it has no credential.
   */
  begin(
    request: IncomingMessage,
    response: ServerResponse,
    namespace: Namespace | null,
  ): BodyReservation | null;
  /**
   * Accounts a reply that is in memory, or will be, until the client has read it, and disconnects a
   * client that stops reading it; a later call for the same response replaces the number of bytes.
   * Throws `rate_limited` if they exceed the budget of the namespace, or of the address if the
   * caller has no credential.
   */
  holdReply(exchange: Exchange, namespace: Namespace | null, bytes: number): void;
  /**
   * Accounts a reply like `holdReply` and then reads it. A read does not end because its client has
   * disconnected, so it is accounted at least until it has ended.
   */
  readReply<T>(
    exchange: Exchange,
    namespace: Namespace | null,
    bytes: number,
    read: () => Promise<T>,
  ): Promise<T>;
  /**
   * Returns a reservation for the unfinished message of a socket, of its namespace or, without a
   * credential, of its address.
   */
  messageReservation(request: IncomingMessage, namespace: Namespace | null): BufferReservation;
  /** Returns a reservation for the events of a stream. */
  streamReservation(namespace: Namespace): BufferReservation;
  /**
   * Call it when a response is sent. Limits how long the remaining part of an unread body may
   * pause.
   */
  limitRest(request: IncomingMessage, response: ServerResponse): void;
}

/** A reply that is accounted while it is being read and until its response has been closed. */
interface HeldReply {
  reservation: BufferReservation;
  isRead: boolean;
}

export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
}

export function createBodyLimits(clients: ClientAddresses, idleMs: number): BodyLimits {
  const anonymous = createBufferBudget(ANONYMOUS);
  const anonymousReplies = createBufferBudget(ANONYMOUS_REPLIES);
  const credentialed = createBufferBudget(CREDENTIALED);
  const reservationOf = (request: IncomingMessage, namespace: Namespace | null) =>
    namespace === null ? anonymous.reserve(clients.rateLimitKeyOf(request)) : credentialed.reserve(namespace);
  const held = new WeakMap<ServerResponse, HeldReply>();
  const releaseIfOver = (res: ServerResponse, { reservation, isRead }: HeldReply) => {
    if (res.destroyed && isRead) reservation.release();
  };
  const holdReply: BodyLimits['holdReply'] = ({ req, res }, namespace, bytes) => {
    let reply = held.get(res);
    if (reply === undefined) {
      if (bytes <= SMALL_BYTES || res.destroyed) return;
      const reservation =
        namespace === null
          ? anonymousReplies.reserve(clients.rateLimitKeyOf(req))
          : credentialed.reserve(namespace);
      const added = { reservation, isRead: true };
      reply = added;
      held.set(res, added);
      limitUnread(req, res, idleMs);
      res.once('close', () => releaseIfOver(res, added));
    }
    reply.reservation.release();
    if (!res.destroyed && !reply.reservation.take(bytes))
      throw namespace === null ? anonymousLimitError() : namespaceLimitError();
  };
  return {
    holdReply,
    async readReply(exchange, namespace, bytes, read) {
      holdReply(exchange, namespace, bytes);
      const reply = held.get(exchange.res);
      if (reply === undefined) return read();
      reply.isRead = false;
      try {
        return await read();
      } finally {
        reply.isRead = true;
        releaseIfOver(exchange.res, reply);
      }
    },
    begin(request, response, namespace) {
      limitIdle(request, idleMs);
      // A client that has gone sends nothing more, and `close` is not emitted again.
      if (isBuffered(request) || response.destroyed) return null;
      const reservation = reservationOf(request, namespace);
      const begunAt = performance.now();
      let isHandled = false;
      const releaseIfEnded = () => {
        if (response.destroyed && !isHandled) reservation.release();
      };
      response.once('close', releaseIfEnded);
      return {
        take: reservation.take,
        limitError: namespace === null ? anonymousLimitError : namespaceLimitError,
        tookLong: () => performance.now() - begunAt > LONG_MS,
        // Bodies of anonymous requests are accounted until the request has been answered.
        releaseAfterRead: namespace === null ? () => undefined : reservation.release,
        async holdWhile(handle) {
          isHandled = true;
          try {
            await handle();
          } finally {
            isHandled = false;
            releaseIfEnded();
          }
        },
      };
    },
    messageReservation: reservationOf,
    streamReservation: (namespace) => credentialed.reserve(namespace),
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
