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
export interface BufferLimits {
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

export function createBufferLimits(clients: ClientAddresses, idleMs: number): BufferLimits {
  return new AccountedBuffers(clients, idleMs);
}

class AccountedBuffers implements BufferLimits {
  readonly #clients: ClientAddresses;
  readonly #idleMs: number;
  readonly #anonymous = createBufferBudget(ANONYMOUS);
  readonly #anonymousReplies = createBufferBudget(ANONYMOUS_REPLIES);
  readonly #credentialed = createBufferBudget(CREDENTIALED);
  readonly #replies = new WeakMap<ServerResponse, HeldReply>();

  constructor(clients: ClientAddresses, idleMs: number) {
    this.#clients = clients;
    this.#idleMs = idleMs;
  }

  begin(
    request: IncomingMessage,
    response: ServerResponse,
    namespace: Namespace | null,
  ): BodyReservation | null {
    limitIdle(request, this.#idleMs);
    // A client that has gone sends nothing more, and `close` is not emitted again.
    if (isBuffered(request) || response.destroyed) return null;
    return new RequestBody(this.messageReservation(request, namespace), response, namespace);
  }

  holdReply({ req, res }: Exchange, namespace: Namespace | null, bytes: number): void {
    let reply = this.#replies.get(res);
    if (reply === undefined) {
      if (bytes <= SMALL_BYTES || res.destroyed) return;
      reply = this.#addReply({ req, res }, namespace);
    }
    reply.reservation.release();
    if (!res.destroyed && !reply.reservation.take(bytes)) throw limitError(namespace);
  }

  async readReply<T>(
    exchange: Exchange,
    namespace: Namespace | null,
    bytes: number,
    read: () => Promise<T>,
  ): Promise<T> {
    this.holdReply(exchange, namespace, bytes);
    const reply = this.#replies.get(exchange.res);
    if (reply === undefined) return read();
    reply.isRead = false;
    try {
      return await read();
    } finally {
      reply.isRead = true;
      releaseIfOver(exchange.res, reply);
    }
  }

  messageReservation(request: IncomingMessage, namespace: Namespace | null): BufferReservation {
    if (namespace !== null) return this.#credentialed.reserve(namespace);
    return this.#anonymous.reserve(this.#clients.rateLimitKeyOf(request));
  }

  streamReservation(namespace: Namespace): BufferReservation {
    return this.#credentialed.reserve(namespace);
  }

  limitRest(request: IncomingMessage, response: ServerResponse): void {
    limitIdleRest(request, response, this.#idleMs);
  }

  #addReply({ req, res }: Exchange, namespace: Namespace | null): HeldReply {
    const reservation =
      namespace === null
        ? this.#anonymousReplies.reserve(this.#clients.rateLimitKeyOf(req))
        : this.#credentialed.reserve(namespace);
    const reply = { reservation, isRead: true };
    this.#replies.set(res, reply);
    limitUnread(req, res, this.#idleMs);
    res.once('close', () => releaseIfOver(res, reply));
    return reply;
  }
}

function releaseIfOver(res: ServerResponse, { reservation, isRead }: HeldReply): void {
  if (res.destroyed && isRead) reservation.release();
}

/** The body of a request whose response is open. */
class RequestBody implements BodyReservation {
  readonly #reservation: BufferReservation;
  readonly #response: ServerResponse;
  readonly #namespace: Namespace | null;
  readonly #begunAt = performance.now();
  #isHandled = false;

  constructor(reservation: BufferReservation, response: ServerResponse, namespace: Namespace | null) {
    this.#reservation = reservation;
    this.#response = response;
    this.#namespace = namespace;
    response.once('close', () => this.#releaseIfEnded());
  }

  take(bytes: number): boolean {
    return this.#reservation.take(bytes);
  }

  limitError(): AppError {
    return limitError(this.#namespace);
  }

  tookLong(): boolean {
    return performance.now() - this.#begunAt > LONG_MS;
  }

  releaseAfterRead(): void {
    // Bodies of anonymous requests are accounted until the request has been answered.
    if (this.#namespace !== null) this.#reservation.release();
  }

  async holdWhile(handle: () => Promise<void>): Promise<void> {
    this.#isHandled = true;
    try {
      await handle();
    } finally {
      this.#isHandled = false;
      this.#releaseIfEnded();
    }
  }

  #releaseIfEnded(): void {
    if (this.#response.destroyed && !this.#isHandled) this.#reservation.release();
  }
}

function isBuffered(request: IncomingMessage): boolean {
  return request.complete && Number(request.headers['content-length'] ?? 0) <= SMALL_BYTES;
}

function limitError(namespace: Namespace | null): AppError {
  return new AppError(
    'rate_limited',
    namespace === null
      ? 'Requests in flight without a credential use all memory that they may have; try again in a moment, or send an API key.'
      : `Requests in flight of this namespace use all memory that they may have, ${CREDENTIALED.each / MB} MB; try again when some have completed.`,
    { retryAfter: 1 },
  );
}
