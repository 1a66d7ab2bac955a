import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { parseUrl } from '../../contract/parse-url.js';
import { AppError } from '../../errors.js';

/** The characters of `uri-host [ ":" port ]` (RFC 9110 §7.2), which may be empty. */
const HOST = /^(?:(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d*)?)?$/i;

/** Returns whether the text is a host that can be part of a URL, or empty. */
export function isHost(text: string): boolean {
  return HOST.test(text) && (text === '' || parseUrl(`http://${text}`) !== null);
}

/**
 * Connections on which a request with an invalid Host header, or not exactly one, was received.
 * Further requests on them are not served, as a proxy may consider them part of the first one.
 */
const refused = new WeakSet<Socket>();

export function isRefused({ socket }: IncomingMessage): boolean {
  return refused.has(socket);
}

/**
 * Throws for a request with several Host headers, of which a proxy may have used one and this
 * server the other, for one without, which only HTTP/1.0 allows, and for one whose value is no
 * host: functions read it as part of the URL. RFC 9112 §3.2 requires a 400 response.
 */
export function assertHost({ rawHeaders, httpVersion, headers, socket }: IncomingMessage): void {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  const host = headers.host ?? '';
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    refused.add(socket);
    const sent = hosts === 0 ? 'no Host header' : `${hosts} Host headers`;
    throw new AppError('invalid_request', `The request has ${sent}; send one.`);
  }
  if (isHost(host)) return;
  refused.add(socket);
  throw new AppError(
    'invalid_request',
    `The Host header must be a host such as "example.com:80", not ${JSON.stringify(host.slice(0, 80))}.`,
  );
}
