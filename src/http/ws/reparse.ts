import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const LEFT_OUT = new Set(['upgrade', 'http2-settings', 'connection']);

/**
 * Some clients (Java's HttpClient, curl --http2) offer an upgrade to h2c with any request. Node
 * emits every upgrade with the body unread, and drops what follows it if nobody listens, so the
 * request is parsed again without the offer and served as an ordinary one (RFC 9110 §7.8).
 */
export function serveWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (!LEFT_OUT.has(name.toLowerCase())) lines.push(`${name}: ${request.rawHeaders[index + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

/**
 * A socket of Node's HTTP server with the response that is being sent. Node does not document it.
 */
export type HttpSocket = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Continues when the responses to earlier, pipelined requests of the connection have been sent, as
 * neither a WebSocket nor a new parser of the socket would wait for them. Node has removed its
 * listeners from the socket.
 */
export function afterResponses(socket: HttpSocket, next: () => void): void {
  const ignore = () => undefined;
  const drained = () => socket._httpMessage?.emit('drain');
  const check = () => {
    const sending = socket._httpMessage;
    if (sending) {
      sending.once('close', check);
      return;
    }
    socket.off('error', ignore).off('drain', drained);
    if (socket.writable) next();
  };
  socket.on('error', ignore).on('drain', drained);
  check();
}

export function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}
