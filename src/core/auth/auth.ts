import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DEFAULT_NAMESPACE, type Namespace } from '../../contract/ids.js';
import { ALL_RIGHTS } from '../../contract/scopes.js';
import { AppError } from '../../errors.js';
import type { StoredKey } from '../../ports/store/keys.js';
import type { SessionStore } from '../../ports/store/sessions.js';
import { ACCESS_TOKEN_SECONDS, type TokenClaims, type Tokens } from './jwt.js';
import { isKeyShaped, type Keys } from './keys.js';
import type { Principal } from './principal.js';
import type { Sessions } from './sessions.js';

/**
 * Prefix of the owner of namespaces assigned by a foreign issuer; wallets and other issuers cannot
 * claim these.
 */
const ISSUER_OWNER = 'issuer:';
/**
 * How long a verified foreign token is cached. Own tokens are cached until they expire, but a
 * foreign key may be revoked.
 */
const FOREIGN_CACHE_MS = 60_000;

export interface KeyToken {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  subject: string;
  namespace: Namespace;
}

export interface AuthDeps {
  keys: Keys;
  tokens: Tokens;
  sessions: Sessions;
  namespaces: Pick<SessionStore, 'claimNamespace'>;
}

/** Authenticates credentials. */
export class Auth {
  readonly #keys: Keys;
  readonly #tokens: Tokens;
  readonly #sessions: Sessions;
  readonly #namespaces: AuthDeps['namespaces'];
  /** Claims of verified tokens, by hash, so that memory contains no list of usable credentials. */
  readonly #verified = new LRUCache<string, TokenClaims>({ max: 10_000 });
  /** Namespaces that are known to belong to an issuer. */
  readonly #issued = new LRUCache<string, true>({ max: 10_000 });

  constructor({ keys, tokens, sessions, namespaces }: AuthDeps) {
    this.#keys = keys;
    this.#tokens = tokens;
    this.#sessions = sessions;
    this.#namespaces = namespaces;
  }

  /**
   * Resolves with the principal of a credential. Throws `unauthorized`, or `forbidden` for a
   * foreign token in a namespace that does not belong to its issuer.
   */
  async authenticate(credential: string): Promise<Principal> {
    if (isKeyShaped(credential)) {
      const key = await this.#keys.find(credential);
      if (key) return ofKey(key);
      throw new AppError('unauthorized', 'The API key is wrong, has expired or has been revoked.');
    }
    const principal = await this.#ofClaims(await this.#verify(credential));
    if (principal) return principal;
    throw new AppError('unauthorized', 'The token has been revoked; log in again.');
  }

  /**
   * Resolves with whether a principal's key, session or token is still valid; at most 2 s stale.
   * Used by sockets, which outlive their handshake.
   */
  async isValid({ keyId, session, expiresAt }: Principal): Promise<boolean> {
    if (expiresAt !== null && expiresAt <= Date.now()) return false;
    return (await this.#isLive(session)) && (keyId === null || (await this.#keys.get(keyId)) !== null);
  }

  /**
   * Issues a JWT for an API key, valid for 15 minutes and only as long as the key. Throws
   * `forbidden` for any other credential.
   */
  async tokenFor(principal: Principal): Promise<KeyToken> {
    if (principal.kind !== 'api_key' || principal.keyId === null) {
      throw new AppError('forbidden', 'Only an API key can be exchanged for a token; send it as X-API-Key.');
    }
    const { subject, namespace, keyId } = principal;
    return {
      access_token: await this.#tokens.sign({ subject, namespace, keyId }),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      subject,
      namespace,
    };
  }

  async #verify(jwt: string): Promise<TokenClaims> {
    const digest = hash('sha256', jwt, 'base64');
    const known = this.#verified.get(digest);
    if (known && known.expiresAt > Date.now()) return known;
    const claims = await this.#tokens.verify(jwt);
    if (claims.issuer === 'foreign') await this.#assertIssued(claims.namespace, claims.issuerName);
    const life = Math.max(1, claims.expiresAt - Date.now());
    const ttl = claims.issuer === 'own' ? life : Math.min(life, FOREIGN_CACHE_MS);
    this.#verified.set(digest, claims, { ttl });
    return claims;
  }

  /**
   * A namespace belongs to the first owner that claims it. An issuer claims the namespaces in its
   * tokens and has access to no others.
   */
  async #assertIssued(namespace: Namespace, issuer: string): Promise<void> {
    const owner = ISSUER_OWNER + issuer;
    const place = `${owner} ${namespace}`;
    if (this.#issued.has(place)) return;
    const isOwn =
      namespace !== DEFAULT_NAMESPACE && (await this.#namespaces.claimNamespace(namespace, owner)) === owner;
    if (!isOwn) {
      throw new AppError(
        'forbidden',
        `Namespace "${namespace}" does not belong to the issuer of this token, which can act only in namespaces that it was the first to use.`,
      );
    }
    this.#issued.set(place, true);
  }

  /**
   * Resolves with the principal of the claims, or null if their session or key is no longer valid.
   */
  async #ofClaims(claims: TokenClaims): Promise<Principal | null> {
    if (!(await this.#isLive(claims.session))) return null;
    if (claims.keyId === null) return ofWallet(claims);
    const key = await this.#keys.get(claims.keyId);
    return key && ofKeyToken(claims, key);
  }

  async #isLive(session: string | null): Promise<boolean> {
    return session === null || !(await this.#sessions.isRevoked(session));
  }
}

function ofKey(key: StoredKey): Principal {
  return {
    kind: 'api_key',
    namespace: key.namespace,
    wallet: '',
    subject: `key:${key.id}`,
    keyName: key.name,
    isAdmin: key.isAdmin,
    rights: key,
    keyId: key.id,
    session: null,
    expiresAt: key.expiresAt,
    keyExpiresAt: key.expiresAt,
  };
}

function ofKeyToken({ expiresAt, session }: TokenClaims, key: StoredKey): Principal {
  // Admin rights are not transferred to tokens, so that a leaked token cannot create keys for other
  // namespaces.
  return { ...ofKey(key), kind: 'jwt', isAdmin: false, session, expiresAt };
}

function ofWallet({ namespace, subject, session, expiresAt }: TokenClaims): Principal {
  return {
    kind: 'jwt',
    namespace,
    wallet: subject,
    subject,
    keyName: null,
    isAdmin: false,
    rights: ALL_RIGHTS,
    keyId: null,
    session,
    expiresAt,
    keyExpiresAt: null,
  };
}
