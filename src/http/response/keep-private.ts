import type { ServerResponse } from 'node:http';

/** Keeps a response with credentials or fleeting values out of every cache. */
export const NO_STORE = { 'Cache-Control': 'no-store' };

/**
 * Keeps a response to a credential out of shared caches, unless the handler sets another
 * `Cache-Control`. Caches know that `Authorization` names a caller (RFC 9111 §3.5), but not that
 * `X-API-Key` does: some would send the response to everybody for minutes.
 */
export function keepPrivate(response: ServerResponse): void {
  response.setHeader('Cache-Control', 'private, no-cache');
}
