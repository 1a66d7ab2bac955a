import type { Namespace } from '../../contract/ids.js';

export interface Nonce {
  wallet: string;
  namespace: Namespace;
  nonce: string;
  purpose: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

/** Allows one sign-in to the console, as an API key. */
export interface ConsoleLink {
  /** SHA-256 of the link's token, hex. */
  hash: string;
  keyId: string;
  namespace: Namespace;
  /** Unix milliseconds. */
  expiresAt: number;
}

export interface RefreshToken {
  /** SHA-256 of the token, hex. */
  hash: string;
  /** The session that it extends, together with all tokens rotated from the first one. */
  session: string;
  /** Who has logged in: a wallet, or `key:<id>`. */
  subject: string;
  namespace: Namespace;
  /** Unix milliseconds. */
  expiresAt: number;
}

export interface SessionStore {
  addNonce(nonce: Nonce): Promise<void>;
  /** Removes and returns a nonce, so that it can be used only once. */
  takeNonce(nonce: string, wallet: string): Promise<Nonce | null>;
  addLink(link: ConsoleLink): Promise<void>;
  /** Removes and returns a link that has not expired. */
  takeLink(hash: string): Promise<ConsoleLink | null>;
  addRefresh(token: RefreshToken): Promise<void>;
  /**
   * Marks a token as used. If it had been used before, `used` is true and the session is
   * revoked. A token of another namespace than the given one is not marked.
   */
  useRefresh(hash: string, namespace?: Namespace): Promise<{ token: RefreshToken; used: boolean } | null>;
  /** Revokes a session and every key created with it, directly or indirectly. */
  revokeSession(session: string): Promise<void>;
  /** Lists the sessions revoked at or after `since`, in Unix milliseconds. */
  revokedSessions(since: number): Promise<string[]>;
  /** Lists the sessions of a wallet in a namespace that can still be refreshed. */
  sessionsOf(wallet: string, namespace: Namespace): Promise<string[]>;
  /**
   * Resolves with the wallet that owns the namespace. An unowned namespace is assigned to the given
   * wallet.
   */
  claimNamespace(namespace: Namespace, wallet: string): Promise<string>;
  namespaceOwner(namespace: Namespace): Promise<string | null>;
}
