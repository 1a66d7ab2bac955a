import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../errors.js';

/**
 * Returns the credential of a request, or null for an anonymous one. No other headers are
 * considered.
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

/** Prefix of a WebSocket subprotocol that carries a credential in Base64url. */
const BEARER_PROTOCOL = 'orama.bearer.';

/**
 * Also reads the credential from a subprotocol or the query, since browsers cannot set headers of
 * WebSocket handshakes. The query is part of the URL, which proxies log; the subprotocol is a
 * header, which they do not log.
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
 * Returns the subprotocol for the handshake: the first offered one that is not a credential, which
 * is never sent back. A browser closes the socket if it has offered some and none is selected.
 */
export function chosenProtocol(offered: Iterable<string>): string | false {
  for (const name of offered) if (!name.startsWith(BEARER_PROTOCOL)) return name;
  return false;
}
