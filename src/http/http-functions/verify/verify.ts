import type { VerifySettings } from '../../../contract/http-function.js';
import { AppError } from '../../../errors.js';
import { matchesGithub } from './github.js';
import { matchesHmac } from './hmac.js';
import type { SignedRequest } from './signed-request.js';
import { matchesSlack } from './slack.js';
import { matchesStandardWebhooks } from './standard-webhooks.js';
import { matchesStripe, stripeTime } from './stripe.js';
import { isRecent } from './timestamp.js';

/** Returns whether the signature matches the secret. Never throws for any input of the sender. */
export function matchesSignature(settings: VerifySettings, secret: string, request: SignedRequest): boolean {
  switch (settings.scheme) {
    case 'github':
      return matchesGithub(secret, request);
    case 'stripe':
      return matchesStripe(secret, request, settings.tolerance);
    case 'slack':
      return matchesSlack(secret, request, settings.tolerance);
    case 'standard-webhooks':
      return matchesStandardWebhooks(secret, request, settings.tolerance);
    case 'hmac':
      return matchesHmac(secret, request, settings);
  }
}

/** Returns the secret names of `verify.secret`; several while a secret is rotated. */
export function secretNamesOf({ secret }: VerifySettings): string[] {
  return secret.split(',').map((name) => name.trim());
}

/**
 * Returns the sender's event id, which is the same for all retries; null if the scheme or the body
 * has none.
 */
export function eventIdOf(settings: VerifySettings, { headers, body }: SignedRequest): string | null {
  switch (settings.scheme) {
    case 'stripe':
      return stringMember(body, 'id');
    case 'slack':
      return stringMember(body, 'event_id');
    case 'standard-webhooks':
      return headers['webhook-id']?.toString() ?? null;
    case 'github':
    case 'hmac':
      return null;
  }
}

/** Returns the error for a request that no secret matches. It depends on the headers only. */
export function signatureInvalid(settings: VerifySettings, { headers, now }: SignedRequest): AppError {
  const { scheme } = settings;
  const missing = headersOf(settings).filter((name) => !headers[name.toLowerCase()]);
  if (missing.length > 0) {
    const sentence = `The request's ${scheme} signature is missing: it has no header ${missing.join(', ')}.`;
    return new AppError('signature_invalid', sentence);
  }
  if ('tolerance' in settings && !isRecent(timeOf(scheme, headers), now, settings.tolerance)) {
    const sentence = `The time of the request's ${scheme} signature is not within ${settings.tolerance} seconds of the engine's.`;
    return new AppError('signature_invalid', sentence);
  }
  const sentence = `The request's ${scheme} signature does not match: it is of another secret or another body.`;
  return new AppError('signature_invalid', sentence);
}

/** Returns the headers without which a request has no signature. */
function headersOf(settings: VerifySettings): readonly string[] {
  switch (settings.scheme) {
    case 'github':
      return ['X-Hub-Signature-256'];
    case 'stripe':
      return ['Stripe-Signature'];
    case 'slack':
      return ['X-Slack-Signature', 'X-Slack-Request-Timestamp'];
    case 'standard-webhooks':
      return ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
    case 'hmac':
      return [settings.header];
  }
}

function timeOf(scheme: VerifySettings['scheme'], headers: SignedRequest['headers']): string | undefined {
  if (scheme === 'stripe') return stripeTime(headers['stripe-signature']?.toString() ?? '');
  return headers[scheme === 'slack' ? 'x-slack-request-timestamp' : 'webhook-timestamp']?.toString();
}

/** Returns a string member of a JSON object; null if there is none. */
function stringMember(body: Uint8Array, member: string): string | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const id: unknown = Reflect.get(value, member);
    return typeof id === 'string' && id !== '' ? id : null;
  } catch {
    return null;
  }
}
