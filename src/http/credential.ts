import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors.js';

/** The credential that a request presents, or null for an anonymous one. No other header grants anything. */
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
