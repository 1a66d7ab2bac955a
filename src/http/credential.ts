import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors.js';

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

/**
 * Also reads the credential from the query, since browsers cannot set headers of WebSocket
 * handshakes.
 */
export function socketCredentialOf(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  return credentialOf(headers) ?? (query.get('api_key') || query.get('token') || null);
}
