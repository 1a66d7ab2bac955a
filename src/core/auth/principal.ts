import type { Namespace } from '../../contract/ids.js';

/** Who a credential says is calling. Everything an endpoint allows is decided from this and from nothing else. */
export interface Principal {
  readonly kind: 'api_key' | 'jwt';
  readonly namespace: Namespace;
  /** Subject of a wallet's JWT; '' for API keys and for JWTs made of them. */
  readonly wallet: string;
  /** Wallet, or `key:<id>`: what `created_by` of a function says. */
  readonly subject: string;
  /** May manage the keys of every namespace. */
  readonly isAdmin: boolean;
  /** The API key that stands behind it; null for wallets. */
  readonly keyId: string | null;
  /** The login that stands behind it: all refresh tokens of one family. */
  readonly session: string | null;
  /** Unix milliseconds; null for a credential that holds until it is revoked. */
  readonly expiresAt: number | null;
}
