import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.js';

/** With two Host headers a proxy may have gone by one and this server by the other: such a request is for nobody. */
export function assertOneHost({ rawHeaders }: IncomingMessage): void {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  if (hosts <= 1) return;
  throw new AppError('invalid_request', `The request has ${hosts} Host headers; send one.`);
}
