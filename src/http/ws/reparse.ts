import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

const LEFT_OUT = new Set(['upgrade', 'http2-settings', 'connection']);

/**
 * Some clients (Java's HttpClient, curl --http2) offer an upgrade to h2c with any request. Node
 * emits every upgrade with the body unread, so the request is parsed again without the offer and
 * served as an ordinary one (RFC 9110 §7.8).
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

export function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket';
}
