import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { ERRORS, type ErrorCode } from '../../errors.js';
import { uuidv7 } from '../../uuid.js';
import { INVOCATION_HEADER } from '../http-functions/reply.js';
import { isRefused } from '../request/host-header.js';
import { afterResponses, type HttpSocket, isWebSocket, serveWithoutUpgrade } from '../ws/reparse.js';
import { listen } from './listen.js';

/** Time limit for receiving a complete request. */
const REQUEST_MS = 300_000;
/**
 * Longer than the usual idle timeout of load balancers (60 s), so that they close idle connections
 * before the engine does.
 */
const KEEP_ALIVE_MS = 65_000;
const IDLE_CHECK_MS = 100;
const DROPPED_REPORT_MS = 1000;
/**
 * How long idle connections stay open during shutdown, for requests that are already in transit.
 */
const LINGER_MS = 500;

export interface ListenerOptions {
  handle(request: IncomingMessage, response: ServerResponse): unknown;
  /**
   * Called for upgrades to WebSocket; all other requests that offer an upgrade are ordinary ones.
   */
  upgrade?(request: IncomingMessage, socket: Socket, head: Buffer): void;
  /** Returns whether a request is not for the API and therefore never opens one of its sockets. */
  isForFunctions?(request: IncomingMessage): boolean;
  /**
   * Maximum number of connections; further ones are closed. `onDropped` is called with their number
   * periodically, not for each.
   */
  maxConnections: number;
  /** Time limit for receiving the headers. */
  headersMs: number;
  onDropped(count: number): void;
  /** Called when the server fails, at most once per second; it goes on. */
  onError(error: Error): void;
  /** Aborted during shutdown; responses then close their connections. */
  stopping: AbortSignal;
}

/** An HTTP server on one port. */
export interface Listener {
  url: string;
  port: number;
  /**
   * Stops accepting connections and waits for requests in flight, for at most `timeoutMs`
   * milliseconds.
   */
  close(timeoutMs: number): Promise<void>;
}

export async function listenHttp(
  {
    handle,
    upgrade,
    isForFunctions,
    maxConnections,
    headersMs,
    onDropped,
    onError,
    stopping,
  }: ListenerOptions,
  { host, port, setting }: { host: string; port: number; setting: string },
): Promise<Listener> {
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    if (isRefused(request)) {
      // A pipelined request can be emitted before the response to the refused one has been sent.
      if (response.socket === null) response.once('socket', (socket: Socket) => socket.end());
      else request.socket.end();
      return;
    }
    // Closes kept-alive connections, so that clients connect to another process.
    if (stopping.aborted) response.shouldKeepAlive = false;
    void handle(request, response);
  };
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Interval at which Node checks for timed-out requests.
      connectionsCheckingInterval: headersMs / 3,
      // By default Node responds with an empty 400; the handlers respond with an error in JSON.
      requireHostHeader: false,
    },
    serve,
  );
  server.maxConnections = maxConnections;
  // By default Node drops all but the first 1,000 headers, such as another Host header, or the
  // length of a request that is parsed again. Their number is limited by their size (16 KB).
  server.maxHeadersCount = 0;
  const unused = unusedConnections(server);
  reportDropped(server, onDropped);
  server.on('clientError', (error, socket) => respondToClientError(error, socket as Socket));
  // Expectations other than 100-continue may be ignored (RFC 9110 §10.1.1); by default Node
  // responds with an empty 417.
  server.on('checkExpectation', serve);
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket;
    afterResponses(socket, () => {
      if (upgrade && isWebSocket(request) && !isForFunctions?.(request)) upgrade(request, socket, head);
      else serveWithoutUpgrade(server, request, socket, head);
    });
  });
  await listen(server, { host, port, setting, onError });
  const address = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;

  return {
    url: `http://${shown}:${address.port}`,
    port: address.port,
    async close(timeoutMs) {
      // `http.Server.close` closes idle connections immediately, including those with a request in
      // transit.
      const ended = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      let idle: NodeJS.Timeout | undefined;
      const linger = setTimeout(() => {
        server.close();
        // A response that was in progress has left its connection open for a next request that will
        // not be served.
        idle = setInterval(() => {
          server.closeIdleConnections();
          unused.close();
        }, IDLE_CHECK_MS);
      }, LINGER_MS);
      const force = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await ended;
      clearTimeout(linger);
      clearInterval(idle);
      clearTimeout(force);
    },
  };
}

/**
 * Closes connections on which nothing has been received. Browsers and HTTP clients open them in
 * advance, and Node does not count them as idle.
 */
function unusedConnections(server: HttpServer): { close(): void } {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    // Emitted again for each request of the connection that offers h2c.
    if (open.has(socket)) return;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    close() {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    },
  };
}

function reportDropped(server: HttpServer, report: (count: number) => void): void {
  let dropped = 0;
  server.on('drop', () => {
    dropped += 1;
    if (dropped > 1) return;
    const flush = () => {
      report(dropped);
      dropped = 0;
    };
    setTimeout(flush, DROPPED_REPORT_MS).unref();
  });
}

/**
 * Responds to malformed HTTP and to requests that were received too slowly, if the socket is still
 * writable. What comes behind a complete request gets no response, which would be taken for that of
 * the request; the connection ends after the response.
 */
function respondToClientError(error: NodeJS.ErrnoException, socket: HttpSocket) {
  if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy();
  const sending = socket._httpMessage;
  if (sending && (sending.req.complete || sending.headersSent)) {
    // Without effect on a response whose headers have been sent.
    sending.shouldKeepAlive = false;
    if (sending.headersSent) sending.once('finish', () => socket.destroySoon());
    return;
  }
  const code = CLIENT_ERRORS[error.code ?? ''] ?? 'invalid_request';
  const { status, about } = ERRORS[code];
  const text = code === 'invalid_request' ? 'The request is not valid HTTP.' : about;
  const body = JSON.stringify({ error: text, code });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `X-Request-ID: ${uuidv7()}`,
    `${INVOCATION_HEADER}: none`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const CLIENT_ERRORS: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};
