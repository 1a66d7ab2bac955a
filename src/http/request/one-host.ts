import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../errors.js';

/**
 * Connections on which a request with no or several Host headers was received. Further requests on
 * them are not served, as a proxy may consider them part of the first one.
 */
const refused = new WeakSet<Socket>();

export function isRefused({ socket }: IncomingMessage): boolean {
  return refused.has(socket);
}

/**
 * Throws for a request with several Host headers, of which a proxy may have used one and this
 * server the other, and for one without, which only HTTP/1.0 allows. RFC 9112 §3.2 requires a 400
 * response.
 */
export function assertOneHost({ rawHeaders, httpVersion, socket }: IncomingMessage): void {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) return;
  refused.add(socket);
  const sent = hosts === 0 ? 'no Host header' : `${hosts} Host headers`;
  throw new AppError('invalid_request', `The request has ${sent}; send one.`);
}
