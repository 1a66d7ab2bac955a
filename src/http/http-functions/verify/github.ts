import { fromHex, hmac, isEqual } from './hmac.js';
import type { SignedRequest } from './signed-request.js';

const PREFIX = 'sha256=';

/**
 * Verifies a GitHub signature ("Validating webhook deliveries"): `X-Hub-Signature-256:
 * sha256=<hex>` over the body.
 */
export function matchesGithub(secret: string, { headers, body }: SignedRequest): boolean {
  const value = headers['x-hub-signature-256'];
  if (typeof value !== 'string' || !value.startsWith(PREFIX)) return false;
  const given = fromHex(value.slice(PREFIX.length));
  return given !== null && isEqual(hmac('sha256', secret, body), given);
}
