import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { BufferReservation } from '../../concurrency/buffer-budget.js';
import { MAX_INPUT_BYTES } from '../../contract/limits.js';
import type { Principal } from '../../core/auth/principal.js';
import { AppError } from '../../errors.js';
import type { Closable } from '../../ports/closable.js';
import type { Admission } from '../admission/admission.js';
import { chosenProtocol, socketCredentialOf } from '../admission/credential.js';
import { acquireSocketLease } from '../admission/socket-lease.js';
import type { BufferLimits } from '../request/buffer-limits.js';
import { assertHost } from '../request/host-header.js';
import { parametersOf, targetUrl } from '../request/request-target.js';
import type { LargeReplies } from '../response/large-replies.js';
import { toAppError } from '../response/to-app-error.js';
import type { Services } from '../services.js';
import { Broadcasts } from './broadcasts.js';
import { CLOSE } from './close-codes.js';
import { findEndpoint } from './endpoints.js';
import type { SocketServices } from './handshake.js';
import { createPresenceRooms, type PresenceRooms } from './presence-rooms.js';
import { refuseHandshake, refuseUpgrade } from './refuse.js';
import { closeByServer } from './server-close.js';
import { TopicRooms } from './topic-rooms.js';
import { UnfinishedMessage } from './unfinished-message.js';
import { UnsentFrames } from './unsent-frames.js';

/** Interval at which open sockets are checked: their credentials and unfinished messages. */
const CHECK_MS = 1000;
/** Time limit of the closing handshake. */
const CLOSE_TIMEOUT_MS = 2000;
/** How long the close frame of a socket that is no longer read may take, in milliseconds. */
const UNREAD_CLOSE_MS = 500;

interface OpenSocket {
  principal: Principal | null;
  connection: Socket;
  unfinished: UnfinishedMessage;
  isAlive: boolean;
  /** Bytes that had been sent to the client at the last ping. */
  taken: number;
}

/** What this class uses itself; the endpoints use the others. */
type OwnServices = Pick<Services, 'auth' | 'bus' | 'config' | 'leases' | 'logger' | 'presence' | 'quotas'>;

/**
 * The WebSockets of this process: upgraded, kept alive with pings, and closed when their credential
 * becomes invalid.
 */
export class Sockets implements Closable {
  readonly #services: SocketServices & OwnServices;
  readonly #admit: Admission;
  readonly #buffers: BufferLimits;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_INPUT_BYTES,
    clientTracking: false,
    // Clients of the original system send bytes in text frames; messages are treated as bytes.
    skipUTF8Validation: true,
    handleProtocols: chosenProtocol,
  });
  readonly #open = new Map<WebSocket, OpenSocket>();
  readonly #topics: TopicRooms;
  readonly #rooms: PresenceRooms;
  readonly #unsent = new UnsentFrames();
  readonly #pings: NodeJS.Timeout;
  readonly #checks: NodeJS.Timeout;
  #closing = false;

  constructor(
    services: SocketServices & OwnServices,
    { admit, buffers, largeReplies }: { admit: Admission; buffers: BufferLimits; largeReplies: LargeReplies },
  ) {
    this.#services = services;
    this.#admit = admit;
    this.#buffers = buffers;
    const broadcasts = new Broadcasts((error) =>
      services.logger.error({ err: error }, 'a frame could not be sent to a socket'),
    );
    this.#topics = new TopicRooms({ ...services, broadcasts });
    this.#rooms = createPresenceRooms({ ...services, broadcasts, largeReplies });
    this.#server.on('wsClientError', (fault, socket, request) =>
      refuseHandshake(fault, socket as Socket, request),
    );
    this.#pings = setInterval(() => this.#ping(), services.config.SOCKET_PING_SECONDS * 1000);
    this.#checks = setInterval(() => {
      this.#closeInvalid();
      this.#closeIdle();
    }, CHECK_MS);
  }

  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // Before the upgrade there is no other `error` listener, and a reset would end the process.
    socket.on('error', ignore);
    try {
      await this.#upgrade(request, socket, head);
    } catch (error) {
      const where = { method: 'GET', path: request.url ?? '' };
      refuseUpgrade(socket, toAppError(error, this.#services.logger, where));
    }
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearInterval(this.#pings);
    clearInterval(this.#checks);
    const closed = [...this.#open.keys()].map(
      (ws) => new Promise<void>((resolve) => ws.once('close', () => resolve())),
    );
    for (const ws of this.#open.keys()) closeByServer(ws, CLOSE.goingAway, 'the engine is stopping');
    const late = setTimeout(() => {
      for (const ws of this.#open.keys()) ws.terminate();
    }, CLOSE_TIMEOUT_MS);
    await Promise.all(closed);
    clearTimeout(late);
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const services = this.#services;
    assertHost(request);
    if (this.#closing) throw stopping();
    const url = targetUrl(request);
    const query = parametersOf(url);
    const { endpoint, params } = findEndpoint(url.pathname);
    const caller = await this.#admit(request, {
      access: endpoint.access,
      scope: endpoint.scope,
      credential: socketCredentialOf(request.headers, url.searchParams),
      namespace: query.namespace,
      otherNamespaces: 'nobody',
      limited: true,
    });
    const lease = await acquireSocketLease(services, caller.namespace, caller.principal);
    const prepared = await endpoint
      .prepare({
        services,
        topics: this.#topics,
        rooms: this.#rooms,
        unsent: this.#unsent,
        caller,
        params,
        query,
      })
      .catch(async (error) => {
        await lease.release();
        throw error;
      });
    let isServed = false;
    // `close` has not seen this socket, and would wait for it for ever.
    if (!this.#closing && !socket.destroyed) {
      socket.off('error', ignore);
      this.#server.handleUpgrade(request, socket, head, (ws) => {
        isServed = true;
        ws.on('close', () => void lease.release());
        const owner = caller.principal === null ? null : caller.namespace;
        this.#accept(ws, socket, caller.principal, this.#buffers.messageReservation(request, owner));
        prepared.serve(ws);
      });
    }
    // `ws` calls back synchronously or, if it has rejected an invalid handshake with 400, not at
    // all.
    if (isServed) return;
    await lease.release();
    prepared.abandon?.();
    if (this.#closing) throw stopping();
  }

  #accept(
    ws: WebSocket,
    connection: Socket,
    principal: Principal | null,
    reservation: BufferReservation,
  ): void {
    const unfinished = new UnfinishedMessage(ws, connection, reservation, () =>
      closeUnread(ws, CLOSE.tryLater, 'too many unfinished messages; send fewer at the same time'),
    );
    const state: OpenSocket = { principal, connection, unfinished, isAlive: true, taken: 0 };
    this.#open.set(ws, state);
    ws.on('pong', () => {
      state.isAlive = true;
    });
    ws.on('close', () => this.#open.delete(ws));
    // `ws` closes the socket with the appropriate code: 1009 for a message that is too large, 1002
    // for a protocol error.
    ws.on('error', (error) => this.#services.logger.debug({ err: error }, 'a socket failed'));
  }

  /**
   * A client that has not answered a ping when the next one is due is considered gone, so a dead
   * client is detected within twice the interval.
   */
  #ping(): void {
    for (const [ws, state] of this.#open) {
      if (state.isAlive || isBeingServed(ws, state)) {
        state.isAlive = false;
        state.taken = takenBy(state.connection);
        ws.ping();
      } else ws.terminate();
    }
  }

  /** The same limit as for the bodies of requests. */
  #closeIdle(): void {
    const now = performance.now();
    const idleMs = this.#services.config.REQUEST_IDLE_SECONDS * 1000;
    for (const [ws, { unfinished }] of this.#open) {
      if (ws.isPaused) unfinished.touch(now);
      else if (unfinished.idleMs(now) > idleMs) {
        closeUnread(ws, CLOSE.policy, `an unfinished message did not go on for ${idleMs / 1000} s`);
      }
    }
  }

  #closeInvalid(): void {
    const { auth } = this.#services;
    // Sockets often share a credential, which is then validated once.
    const validations = new Map<string, Promise<boolean>>();
    for (const [ws, { principal }] of this.#open) {
      if (!principal) continue;
      const name = `${principal.keyId} ${principal.session} ${principal.expiresAt}`;
      const valid = validations.get(name) ?? auth.isValid(principal).catch(() => true);
      validations.set(name, valid);
      void valid.then((isValid) => {
        if (!isValid) closeByServer(ws, CLOSE.policy, 'the credential has expired or was revoked');
      });
    }
  }
}

/** Closes a socket without reading the rest of what its client sends. */
function closeUnread(ws: WebSocket, code: number, reason: string): void {
  closeByServer(ws, code, reason, UNREAD_CLOSE_MS);
  ws.pause();
}

/**
 * A paused socket does not read pongs. Its client is considered alive if it receives data, or if
 * there is none to send.
 */
function isBeingServed(ws: WebSocket, { connection, taken }: OpenSocket): boolean {
  return ws.isPaused && (ws.bufferedAmount === 0 || takenBy(connection) > taken);
}

function takenBy(connection: Socket): number {
  return connection.bytesWritten - connection.writableLength;
}

function stopping(): AppError {
  return new AppError('unavailable', 'The engine is stopping; connect again.');
}

function ignore(): void {}
