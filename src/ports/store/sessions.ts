import type { Namespace } from '../../contract/ids.js';

export interface Nonce {
  wallet: string;
  namespace: Namespace;
  nonce: string;
  purpose: string;
  expiresAt: number;
}

export interface RefreshToken {
  /** SHA-256 of the token, hex. */
  hash: string;
  /** All tokens rotated from one login share it. */
  family: string;
  wallet: string;
  namespace: Namespace;
  expiresAt: number;
}

export interface SessionStore {
  addNonce(nonce: Nonce): Promise<void>;
  /** Removes and returns it: a nonce is used once. */
  takeNonce(nonce: string, wallet: string): Promise<Nonce | null>;
  addRefresh(token: RefreshToken): Promise<void>;
  /** `used` when it was rotated before: the whole family is then revoked. */
  useRefresh(hash: string): Promise<{ token: RefreshToken; used: boolean } | null>;
  /** With every key that goes back to the login. */
  revokeFamily(family: string): Promise<void>;
  revokedFamilies(since: number): Promise<string[]>;
  /** Those of a wallet in a namespace that can still be refreshed. */
  families(wallet: string, namespace: Namespace): Promise<string[]>;
  /** The wallet that owns the namespace: the one given if nobody did. */
  claimNamespace(namespace: Namespace, wallet: string): Promise<string>;
  namespaceOwner(namespace: Namespace): Promise<string | null>;
}
