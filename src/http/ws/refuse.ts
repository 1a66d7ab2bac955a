import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../errors.js';
import { errorHeaders } from '../response/to-app-error.js';

/** The versions that `ws` speaks: RFC 6455, and the last draft before it. */
const VERSIONS = ['13', '8'];

/** Answers a refused upgrade with the same HTTP error as any other request. */
export function refuseUpgrade(socket: Socket, error: AppError, headers: readonly string[] = []): void {
  const { status, code, message } = error;
  const body = JSON.stringify({ error: message, code });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries({ ...errorHeaders(error), Connection: 'close' }).map((header) => header.join(': ')),
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Answers an upgrade whose handshake `ws` has found invalid, for the reason in `fault`. */
export function refuseHandshake(fault: Error, socket: Socket, { method, headers }: IncomingMessage): void {
  if (method !== 'GET') {
    const message = `A WebSocket is opened with GET, not ${method}.`;
    refuseUpgrade(socket, new AppError('method_not_allowed', message), ['Allow: GET']);
  } else if (!VERSIONS.includes(headers['sec-websocket-version'] ?? '')) {
    // RFC 6455 §4.4.
    const message = `Sec-WebSocket-Version must be ${VERSIONS.join(' or ')}.`;
    const upgrade = ['Upgrade: websocket', `Sec-WebSocket-Version: ${VERSIONS.join(', ')}`];
    refuseUpgrade(socket, new AppError('upgrade_required', message), upgrade);
  } else {
    refuseUpgrade(socket, new AppError('invalid_request', `The handshake is invalid: ${fault.message}.`));
  }
}
