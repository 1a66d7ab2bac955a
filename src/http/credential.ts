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

/** On sockets also in the query: browsers cannot set headers there. */
export function socketCredentialOf(headers: IncomingHttpHeaders, query: URLSearchParams): string | null {
  return credentialOf(headers) ?? (query.get('api_key') || query.get('token') || null);
}
