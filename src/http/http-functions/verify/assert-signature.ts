import { AppError } from '../../../errors.js';
import type { Found } from '../find.js';
import type { FunctionsHandlerDeps } from '../handler-deps.js';
import type { SignedRequest } from './signed-request.js';
import { matchesSignature, secretNamesOf, signatureInvalid } from './verify.js';

/** Rejects with `signature_invalid` if the function has `verify` and no secret matches. */
export async function assertSignature(
  { services }: FunctionsHandlerDeps,
  { http, function: fn }: Found,
  signed: SignedRequest,
): Promise<void> {
  const settings = http.verify;
  if (!settings) return;
  const names = secretNamesOf(settings);
  const known = await services.secrets.signing(fn.namespace, names);
  if (known.length === 0) {
    services.logger.warn(
      { namespace: fn.namespace, function: fn.name, secrets: names },
      'signatures of an HTTP function cannot be verified: the secret is not set',
    );
    throw new AppError(
      'misconfigured',
      `The function cannot verify requests: its namespace has no secret ${names.map((name) => `"${name}"`).join(' or ')}.`,
    );
  }
  // Checks all secrets even after a match, so that the duration does not reveal which one matched.
  const matched = known.filter((secret) => matchesSignature(settings, secret, signed));
  if (matched.length === 0) throw signatureInvalid(settings, signed);
}
