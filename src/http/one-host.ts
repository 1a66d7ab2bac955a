import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../errors.js';

/**
 * Connections on which such a request came: nothing that stands behind it is served, which may be
 * part of it to a proxy.
 */
const refused = new WeakSet<Socket>();

export function isRefused({ socket }: IncomingMessage): boolean {
  return refused.has(socket);
}

/**
 * With two Host headers a proxy may have gone by one and this server by the other: such a request
 * is for nobody.
 */
export function assertOneHost({ rawHeaders, socket }: IncomingMessage): void {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts <= 1) return;
  refused.add(socket);
  throw new AppError('invalid_request', `The request has ${hosts} Host headers; send one.`);
}
