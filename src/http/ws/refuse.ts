import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { AppError } from '../../errors.js';

/** Answers a refused upgrade with the same HTTP error as any other request. */
export function refuseUpgrade(socket: Socket, { status, code, message, retryAfter }: AppError): void {
  const body = JSON.stringify({ error: message, code });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(retryAfter === undefined ? [] : [`Retry-After: ${Math.max(1, Math.ceil(retryAfter))}`]),
    ...(code === 'unauthorized' ? ['WWW-Authenticate: Bearer realm="orama"'] : []),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
