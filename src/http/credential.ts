import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors.js';

/**
 * The credential that a request presents, or null for an anonymous one. No other header grants
 * anything.
 */
export function credentialOf(headers: IncomingHttpHeaders): string | null {
  const key = headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key;
  const { authorization } = headers;
  if (authorization === undefined || authorization === '') return null;
  const match = /^(?:Bearer|ApiKey)[ \t]+(\S+)[ \t]*$/i.exec(authorization);
  if (match?.[1]) return match[1];
  throw new AppError(
    'unauthorized',
    'The Authorization header must read "Bearer <key or token>" or "ApiKey <key>".',
  );
}

/** What a WebSocket client offers as a subprotocol to present a credential, which follows in base64url. */
const BEARER_PROTOCOL = 'orama.bearer.';

/**
 * On sockets also as a subprotocol or in the query: browsers can set no headers there. The query is
 * in the address, which proxies log; the subprotocol is in a header, which they do not.
 */
export function socketCredentialOf(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  return (
    credentialOf(headers) ??
    credentialIn(headers['sec-websocket-protocol']) ??
    (query.get('api_key') || query.get('token') || null)
  );
}

function credentialIn(protocols: string | undefined): string | null {
  const offered = protocols?.split(',').map((name) => name.trim());
  const bearer = offered?.find((name) => name.startsWith(BEARER_PROTOCOL));
  return bearer === undefined
    ? null
    : Buffer.from(bearer.slice(BEARER_PROTOCOL.length), 'base64url').toString();
}

/**
 * The subprotocol that a socket is opened with: the first offered one that is no credential, which is
 * never sent back. A browser that offered some and is given none closes the socket.
 */
export function chosenProtocol(offered: Iterable<string>): string | false {
  for (const name of offered) if (!name.startsWith(BEARER_PROTOCOL)) return name;
  return false;
}
