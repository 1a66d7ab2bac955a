import type { Auth } from '../core/auth/auth.js';
import type { Principal } from '../core/auth/principal.js';

const LOOK_MS = 1000;

/**
 * Returns a signal that is aborted when the credential of a streaming response becomes invalid.
 * Polls until `done` is aborted.
 */
export function credentialEnds(auth: Auth, principal: Principal, done: AbortSignal): AbortSignal {
  const ended = new AbortController();
  const looks = setInterval(async () => {
    // An unreachable store does not invalidate the credential.
    if (!(await auth.isValid(principal).catch(() => true))) ended.abort();
  }, LOOK_MS);
  AbortSignal.any([done, ended.signal]).addEventListener('abort', () => clearInterval(looks), { once: true });
  if (done.aborted) clearInterval(looks);
  return ended.signal;
}
