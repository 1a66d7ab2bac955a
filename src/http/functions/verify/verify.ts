import type { IncomingHttpHeaders } from 'node:http';
import type { VerifySettings } from '../../../contract/http-function.js';
import { AppError } from '../../../errors.js';
import { eventIdOf as bodyEventId } from './event-id.js';
import { matchesGithub } from './github.js';
import { matchesHmac } from './hmac.js';
import { matchesSlack } from './slack.js';
import { matchesStandardWebhooks } from './standard-webhooks.js';
import { matchesStripe } from './stripe.js';

/** A request as its signature covers it. */
export interface SignedRequest {
  headers: IncomingHttpHeaders;
  body: Uint8Array;
  /** Unix milliseconds. */
  now: number;
}

/** Whether the signature is one of the secret's. Never throws for what a sender can send. */
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

/** The names of `verify.secret`: several while one is rotated. */
export function secretNamesOf({ secret }: VerifySettings): string[] {
  return secret.split(',').map((name) => name.trim());
}

/**
 * The sender's id of the event, the same for each of its retries; null when the scheme has none or
 * the body does not say.
 */
export function eventIdOf(settings: VerifySettings, { headers, body }: SignedRequest): string | null {
  switch (settings.scheme) {
    case 'stripe':
      return bodyEventId(body, 'id');
    case 'slack':
      return bodyEventId(body, 'event_id');
    case 'standard-webhooks':
      return headers['webhook-id']?.toString() ?? null;
    case 'github':
    case 'hmac':
      return null;
  }
}

export function signatureInvalid(scheme: VerifySettings['scheme']): AppError {
  return new AppError(
    'signature_invalid',
    `The request's ${scheme} signature is missing, too old or made with another secret.`,
  );
}
