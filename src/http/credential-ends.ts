import type { Auth } from '../core/auth/auth.js';
import type { Principal } from '../core/auth/principal.js';

const LOOK_MS = 1000;

/** Aborted when the credential of a reply that goes on no longer holds. Looks until `done`. */
export function credentialEnds(auth: Auth, principal: Principal, done: AbortSignal): AbortSignal {
  const ended = new AbortController();
  const looks = setInterval(async () => {
    // A store that is away takes nothing from anybody.
    if (!(await auth.isValid(principal).catch(() => true))) ended.abort();
  }, LOOK_MS);
  AbortSignal.any([done, ended.signal]).addEventListener('abort', () => clearInterval(looks), { once: true });
  if (done.aborted) clearInterval(looks);
  return ended.signal;
}
