import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawReply {
  /** Everything received until the connection ended, one character per byte. */
  received: string;
  /** How long the connection was open, in milliseconds. */
  ms: number;
}

/**
 * Sends text verbatim, one byte per character, and reads until the connection ends or `until`
 * matches. `end` half-closes the connection afterwards.
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

/** Returns the request line and headers. */
export function requestHead(method: string, path: string, ...headers: string[]): string {
  return `${[`${method} ${path} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n`;
}
