import { fromHex, hmac, isEqual } from './hmac.js';
import type { SignedRequest } from './signed-request.js';
import { isRecent } from './timestamp.js';

const PREFIX = 'v0=';

/**
 * Verifies a Slack signature ("Verifying requests from Slack"): `X-Slack-Signature: v0=<hex>` over
 * `v0:<timestamp>:<body>`, with the timestamp in `X-Slack-Request-Timestamp`.
 */
export function matchesSlack(secret: string, { headers, body, now }: SignedRequest, tolerance: number) {
  const value = headers['x-slack-signature'];
  const time = headers['x-slack-request-timestamp']?.toString();
  if (typeof value !== 'string' || !value.startsWith(PREFIX)) return false;
  if (time === undefined || !isRecent(time, now, tolerance)) return false;
  const given = fromHex(value.slice(PREFIX.length));
  return given !== null && isEqual(hmac('sha256', secret, `v0:${time}:`, body), given);
}
