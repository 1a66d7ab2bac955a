import { fromHex, hmac, isEqual } from './hmac.js';
import type { SignedRequest } from './signed-request.js';
import { isRecent } from './timestamp.js';

/**
 * Verifies a Stripe signature ("Verify webhook signatures manually"): `Stripe-Signature:
 * t=<seconds>,v1=<hex>[,v1=<hex>]`, each v1 over `<t>.<body>`. Stripe sends several while the
 * endpoint's secret is rotated.
 */
export function matchesStripe(secret: string, { headers, body, now }: SignedRequest, tolerance: number) {
  const header = headers['stripe-signature'];
  if (typeof header !== 'string') return false;
  const fields = header.split(',').map((field) => field.trim().split('=', 2));
  const time = fields.find(([name]) => name === 't')?.[1];
  if (time === undefined || !isRecent(time, now, tolerance)) return false;
  const expected = hmac('sha256', secret, `${time}.`, body);
  return fields.some(([name, value]) => {
    const given = name === 'v1' ? fromHex(value ?? '') : null;
    return given !== null && isEqual(expected, given);
  });
}
