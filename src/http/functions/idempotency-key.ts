import { createHash } from 'node:crypto';
import type { Found } from './find.js';
import type { SignedRequest } from './verify/signed-request.js';
import { eventIdOf } from './verify/verify.js';

/** Maximum key length in the store; longer keys are hashed. */
const MAX_KEY_LENGTH = 255;

/**
 * Returns the sender's event id as the idempotency key, so that retries of the sender start one
 * invocation. For Slack, whose requests may have no id, the signature is used: it covers a
 * timestamp, so a replayed request has no effect.
 */
export function idempotencyKeyOf({ http }: Found, signed: SignedRequest): string | null {
  const own = http.idempotency === undefined ? undefined : signed.headers[http.idempotency.toLowerCase()];
  const id = own?.toString() || (http.verify ? eventIdOf(http.verify, signed) : null);
  const key =
    id ??
    (http.verify?.scheme === 'slack' ? (signed.headers['x-slack-signature']?.toString() ?? null) : null);
  if (key === null || key.length <= MAX_KEY_LENGTH) return key;
  return createHash('sha256').update(key).digest('hex');
}
