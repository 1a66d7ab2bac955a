import { hash } from 'node:crypto';
import type { Found } from './find.js';
import type { SignedRequest } from './verify/signed-request.js';
import { eventIdOf } from './verify/verify.js';

/** Maximum key length in the store; longer keys are hashed. */
const MAX_KEY_LENGTH = 255;

/** Which invocation a request is; see `ClaimRequest`. */
export interface RequestKey {
  idempotencyKey: string;
  bodyMayChange: boolean;
}

/**
 * Returns the sender's event id as the idempotency key, so that retries of the sender start one
 * invocation; null if there is none. For Slack, whose requests may have no id, the signature is
 * used: it covers a timestamp, so a replayed request has no effect.
 */
export function requestKeyOf({ http }: Found, signed: SignedRequest): RequestKey | null {
  const own = http.idempotency === undefined ? undefined : signed.headers[http.idempotency.toLowerCase()];
  if (own) return { idempotencyKey: shortened(own.toString()), bodyMayChange: false };
  if (http.verify === undefined) return null;
  const slack = http.verify.scheme === 'slack' ? signed.headers['x-slack-signature']?.toString() : undefined;
  const id = eventIdOf(http.verify, signed) ?? slack;
  if (id === undefined) return null;
  // The signature covers the id. A sender may change the event between retries, as Stripe does with
  // its number of `pending_webhooks`.
  return { idempotencyKey: shortened(id), bodyMayChange: true };
}

function shortened(key: string): string {
  return key.length <= MAX_KEY_LENGTH ? key : hash('sha256', key);
}
