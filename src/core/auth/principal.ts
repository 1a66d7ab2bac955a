import type { Namespace } from '../../contract/ids.js';
import type { Rights } from '../../contract/scopes.js';

/**
 * Who a credential says is calling. Everything an endpoint allows is decided from this and from
 * nothing else.
 */
export interface Principal {
  readonly kind: 'api_key' | 'jwt';
  readonly namespace: Namespace;
  /** Subject of a wallet's JWT; '' for API keys and for JWTs made of them. */
  readonly wallet: string;
  /** Wallet, or `key:<id>`: what `created_by` of a function says. */
  readonly subject: string;
  /** May manage the keys of every namespace. */
  readonly isAdmin: boolean;
  /** The key's, also for a JWT made of it; a wallet has all. */
  readonly rights: Rights;
  /** The API key that stands behind it; null for wallets. */
  readonly keyId: string | null;
  /** The login that stands behind it: all refresh tokens of one family. */
  readonly session: string | null;
  /** Unix milliseconds; null for a credential that holds until it is revoked. */
  readonly expiresAt: number | null;
  /** When the key behind it ends by itself; null for wallets, too. */
  readonly keyExpiresAt: number | null;
}

/** Somebody in one request: what the audit log says of whatever is done. */
export interface Actor {
  readonly principal: Principal;
  readonly requestId: string;
}
