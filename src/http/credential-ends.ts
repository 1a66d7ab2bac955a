import type { Auth } from '../core/auth/auth.js';
import type { Principal } from '../core/auth/principal.js';

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
