import { hash, randomBytes } from 'node:crypto';
import type { Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { SessionStore } from '../../ports/store/sessions.js';
import type { Principal } from './principal.js';
import type { Login, Sessions } from './sessions.js';

const LINK_MS = 5 * 60_000;
/** Where nonces have the wallet they are for; no wallet's address reads so. */
const LINK_HOLDER = 'console-link';

export interface ConsoleLink {
  /** Good for one sign-in within 5 minutes. */
  token: string;
  expiresAt: number;
}

/** Signs a browser in for an API key, without the browser keeping the key. */
export interface ConsoleSignIn {
  /**
   * Throws `forbidden` for any credential but an API key: a token of 15 minutes must not be
   * prolonged by it.
   */
  createLink(by: Principal): Promise<ConsoleLink>;
  /** Throws `unauthorized` for a token that is unknown, used or older than 5 minutes. */
  exchange(token: string): Promise<Login>;
  /** Throws `forbidden` for any credential but an API key. */
  signIn(by: Principal): Promise<Login>;
}

export interface ConsoleSignInDeps {
  sessions: Pick<Sessions, 'openForKey'>;
  nonces: Pick<SessionStore, 'addNonce' | 'takeNonce'>;
}

export function createConsoleSignIn({ sessions, nonces }: ConsoleSignInDeps): ConsoleSignIn {
  return {
    async createLink(by) {
      const { id, namespace } = keyOf(by);
      const token = `ct_${randomBytes(32).toString('base64url')}`;
      const expiresAt = Date.now() + LINK_MS;
      await nonces.addNonce({
        // As its hash: who reads the store must not be able to sign in.
        nonce: hash('sha256', token, 'hex'),
        wallet: LINK_HOLDER,
        namespace,
        purpose: id,
        expiresAt,
      });
      return { token, expiresAt };
    },

    async exchange(token) {
      const link = await nonces.takeNonce(hash('sha256', token, 'hex'), LINK_HOLDER);
      if (link === null || link.expiresAt < Date.now()) {
        throw new AppError(
          'unauthorized',
          'The sign-in link is unknown, has been used or is older than 5 minutes; get a new one with "orama console".',
        );
      }
      return sessions.openForKey({ id: link.purpose, namespace: link.namespace });
    },

    async signIn(by) {
      return sessions.openForKey(keyOf(by));
    },
  };
}

function keyOf({ kind, keyId, namespace }: Principal): { id: string; namespace: Namespace } {
  if (kind === 'api_key' && keyId !== null) return { id: keyId, namespace };
  throw new AppError('forbidden', 'Only an API key signs in to the console; send it as X-API-Key.');
}
