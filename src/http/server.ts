import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { AppError, ERRORS, type ErrorCode } from '../errors.js';
import type { Closable } from '../ports/closable.js';
import { createAdmission } from './admission.js';
import { createApp } from './app.js';
import type { Services } from './services.js';
import { isWebSocket, serveWithoutUpgrade } from './ws/reparse.js';
import { createSockets } from './ws/sockets.js';

/** Clients that open a connection and dawdle: how long for the headers, and for a whole request. */
const HEADERS_MS = 15_000;
const REQUEST_MS = 300_000;
/** Longer than the usual 60 s of load balancers, so that they and not we close idle connections. */
const KEEP_ALIVE_MS = 65_000;
const IDLE_CHECK_MS = 100;
/** When stopping, how long an idle connection stays open for a request that may be under way on it. */
const LINGER_MS = 500;
/** Of SHUTDOWN_SECONDS, what is left for answering the calls that still wait. */
const ANSWER_MS = 1000;

export interface Server extends Closable {
  url: string;
  port: number;
}

/**
 * Listens. `close` stops accepting, ends sockets and streams, lets requests in flight finish, and then returns. A call
 * whose function outlasts SHUTDOWN_SECONDS is answered as an asynchronous one, with the place where its result will be.
 */
export async function startServer(
  services: Services,
  { host, port }: { host: string; port: number },
): Promise<Server> {
  const admit = createAdmission(services);
  const stopping = new AbortController();
  const handle = createApp({ services, admit, stopping: stopping.signal }).callback();

  const serve = (request: IncomingMessage, response: ServerResponse) => {
    // A client that would keep its connection must look for another process from now on.
    if (stopping.signal.aborted) response.shouldKeepAlive = false;
    void handle(request, response);
  };
  const server = createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5000,
    },
    serve,
  );
  server.on('clientError', answerClientError);
  // Other expectations than 100-continue may be ignored (RFC 9110); Node's own answer would be a 417 without a word.
  server.on('checkExpectation', serve);
  const sockets = createSockets(services, admit);
  server.on('upgrade', (request, socket, head) => {
    if (isWebSocket(request)) void sockets.upgrade(request, socket as Socket, head);
    else serveWithoutUpgrade(server, request, socket as Socket, head);
  });

  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  let closed: Promise<void> | null = null;

  const close = async () => {
    stopping.abort();
    // HTTP's own close ends idle connections at once, and with them the requests that are just coming in on them.
    const ended = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
    let idle: NodeJS.Timeout | undefined;
    const linger = setTimeout(() => {
      server.close();
      // A reply that was under way has left its connection open for a next request that will not be served.
      idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
    }, LINGER_MS);
    const patience = services.config.SHUTDOWN_SECONDS * 1000;
    const release = setTimeout(() => services.invoker.release(), Math.max(0, patience - ANSWER_MS));
    const force = setTimeout(() => server.closeAllConnections(), Math.max(patience, ANSWER_MS));
    await sockets.close();
    await ended;
    clearTimeout(linger);
    clearInterval(idle);
    clearTimeout(release);
    clearTimeout(force);
  };

  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shown}:${address.port}`,
    port: address.port,
    close() {
      closed ??= close();
      return closed;
    },
  };
}

function listen(server: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another process has it' : cause.message;
      reject(new AppError('bad_config', `Cannot listen on ${host}:${port}: ${why}.`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

/** What is no HTTP, or came too slowly, is answered as far as it can be. */
function answerClientError(
  error: NodeJS.ErrnoException,
  socket: NodeJS.WritableStream & { destroy(): void },
) {
  if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
  const code = CLIENT_ERRORS[error.code ?? ''] ?? 'invalid_request';
  const { status, about } = ERRORS[code];
  const text = code === 'invalid_request' ? 'The request is not valid HTTP.' : about;
  const body = JSON.stringify({ error: text, code });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const CLIENT_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};
