import type { Auth } from '../../core/auth/auth.js';
import type { Principal } from '../../core/auth/principal.js';
import { AppError } from '../../errors.js';

const CHECK_INTERVAL_MS = 1000;

/**
 * Returns a signal that is aborted when the credential of a streaming response becomes invalid.
 * Polls until `done` is aborted.
 */
export function credentialEnds(auth: Auth, principal: Principal, done: AbortSignal): AbortSignal {
  const ended = new AbortController();
  const checks = setInterval(async () => {
    // An unreachable store does not invalidate the credential.
    if (!(await auth.isValid(principal).catch(() => true))) ended.abort();
  }, CHECK_INTERVAL_MS);
  AbortSignal.any([done, ended.signal]).addEventListener('abort', () => clearInterval(checks), {
    once: true,
  });
  if (done.aborted) clearInterval(checks);
  return ended.signal;
}

/** Throws `unauthorized` if the credential has become invalid while the body was received. */
export async function assertStillValid(auth: Auth, principal: Principal | null): Promise<void> {
  if (principal === null || (await auth.isValid(principal).catch(() => true))) return;
  throw new AppError(
    'unauthorized',
    'The credential has expired or was revoked while the body was received.',
  );
}
