import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawReply {
  /** All that came until the connection ended, byte by byte as characters. */
  received: string;
  /** How long the connection was open. */
  ms: number;
}

/**
 * Writes text as it stands, each character a byte, and reads until the connection ends or enough
 * has come. `end`: closes the writing side after it.
 */
export async function rawHttp(
  url: string,
  text: string,
  { until, end = false }: { until?: RegExp; end?: boolean } = {},
): Promise<RawReply> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  const begun = Date.now();
  const ended = once(socket, 'close');
  socket.setEncoding('latin1').on('data', (part) => {
    received += part;
    if (until?.test(received)) socket.destroy();
  });
  socket.on('error', () => undefined);
  if (end) socket.end(text, 'latin1');
  else socket.write(text, 'latin1');
  await ended;
  return { received, ms: Date.now() - begun };
}

/** A request's first line and headers. */
export function requestHead(method: string, path: string, ...headers: string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n`;
}
