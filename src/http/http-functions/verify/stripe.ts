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
  const time = stripeTime(header);
  if (time === undefined || !isRecent(time, now, tolerance)) return false;
  const expected = hmac('sha256', secret, `${time}.`, body);
  return fieldsOf(header).some(([name, value]) => {
    const given = name === 'v1' ? fromHex(value ?? '') : null;
    return given !== null && isEqual(expected, given);
  });
}

/** Returns the time that a Stripe-Signature header names. */
export function stripeTime(header: string): string | undefined {
  return fieldsOf(header).find(([name]) => name === 't')?.[1];
}

function fieldsOf(header: string): string[][] {
  return header.split(',').map((field) => field.trim().split('=', 2));
}
