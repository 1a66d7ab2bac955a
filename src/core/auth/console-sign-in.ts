import { hash, randomBytes } from 'node:crypto';
import type { Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { SessionStore } from '../../ports/store/sessions.js';
import type { Principal } from './principal.js';
import type { Sessions, SessionTokens } from './sessions.js';

const LINK_MS = 5 * 60_000;

export interface ConsoleLink {
  /** Valid for one sign-in within 5 minutes. */
  token: string;
  expiresAt: number;
}

/** Signs a browser in with an API key without storing the key in the browser. */
export interface ConsoleSignIn {
  /**
   * Creates a link. Throws `forbidden` for any credential other than an API key, so that a token of
   * 15 minutes cannot extend itself.
   */
  createLink(by: Principal): Promise<ConsoleLink>;
  /**
   * Exchanges a link's token for a session. Throws `unauthorized` if the token is unknown, used or
   * older than 5 minutes.
   */
  exchange(token: string): Promise<SessionTokens>;
  /** Opens a session for an API key. Throws `forbidden` for any other credential. */
  signIn(by: Principal): Promise<SessionTokens>;
}

export interface ConsoleSignInDeps {
  sessions: Pick<Sessions, 'openForKey'>;
  links: Pick<SessionStore, 'addLink' | 'takeLink'>;
}

export function createConsoleSignIn({ sessions, links }: ConsoleSignInDeps): ConsoleSignIn {
  return {
    async createLink(by) {
      const { id: keyId, namespace } = keyOf(by);
      const token = `ct_${randomBytes(32).toString('base64url')}`;
      const expiresAt = Date.now() + LINK_MS;
      // Stored as a hash, so that read access to the store does not allow a sign-in.
      await links.addLink({ hash: hash('sha256', token), keyId, namespace, expiresAt });
      return { token, expiresAt };
    },

    async exchange(token) {
      const link = await links.takeLink(hash('sha256', token));
      if (link === null) {
        throw new AppError(
          'unauthorized',
          'The sign-in link is unknown, has been used or is older than 5 minutes; get a new one with "orama console".',
        );
      }
      return sessions.openForKey({ id: link.keyId, namespace: link.namespace });
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
