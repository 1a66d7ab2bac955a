import type { Namespace } from '../../contract/ids.js';
import type { Rights } from '../../contract/scopes.js';

/** The authenticated caller. All authorization decisions are based on it alone. */
export interface Principal {
  readonly kind: 'api_key' | 'jwt';
  readonly namespace: Namespace;
  /** Subject of a wallet's JWT; '' for API keys and for JWTs issued for them. */
  readonly wallet: string;
  /** The wallet, or `key:<id>`; stored as `created_by` of a function. */
  readonly subject: string;
  /** The name of the API key behind the credential; null for wallets. */
  readonly keyName: string | null;
  /** Whether the principal may manage the keys of every namespace. */
  readonly isAdmin: boolean;
  /** The rights of the key, also for a JWT issued for it; a wallet has all rights. */
  readonly rights: Rights;
  /** The API key behind the credential; null for wallets. */
  readonly keyId: string | null;
  /** The session behind the credential. */
  readonly session: string | null;
  /** Unix milliseconds; null for a credential that is valid until it is revoked. */
  readonly expiresAt: number | null;
  /** Expiry of the key behind the credential; null for wallets and for keys that do not expire. */
  readonly keyExpiresAt: number | null;
}

/** The principal and the request that made a change, as recorded in the audit log. */
export interface Actor {
  readonly principal: Principal;
  readonly requestId: string;
}
