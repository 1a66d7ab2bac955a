import { fromBase64, hmac, isEqual } from './hmac.js';
import type { SignedRequest } from './signed-request.js';
import { isRecent } from './timestamp.js';

const SECRET_PREFIX = 'whsec_';

/**
 * Verifies a signature of Standard Webhooks 1.0 ("Signature scheme"): `webhook-signature` is a
 * space-separated list of `v1,<base64>`, each over `<webhook-id>.<webhook-timestamp>.<body>`, with
 * the decoded bytes of the secret (`whsec_<base64>`) as the key.
 */
export function matchesStandardWebhooks(
  secret: string,
  { headers, body, now }: SignedRequest,
  tolerance: number,
): boolean {
  const id = headers['webhook-id']?.toString();
  const time = headers['webhook-timestamp']?.toString();
  const signatures = headers['webhook-signature']?.toString();
  // An empty id is none: nothing would tell a repeated request from a new one.
  if (id === undefined || id === '' || time === undefined || signatures === undefined) return false;
  if (!isRecent(time, now, tolerance)) return false;
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  const key = Buffer.from(encoded, 'base64');
  // Anybody can sign with an empty key.
  if (key.byteLength === 0) return false;
  const expected = hmac('sha256', key, `${id}.${time}.`, body);
  return signatures.split(' ').some((signature) => {
    const [version, value] = signature.split(',', 2);
    const given = version === 'v1' ? fromBase64(value ?? '') : null;
    return given !== null && isEqual(expected, given);
  });
}
