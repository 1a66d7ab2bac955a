import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Namespace } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { SessionStore, StoredKey } from '../../ports/store.js';
import { isKeyShaped, type Keys } from '../keys.js';
import { ACCESS_TOKEN_SECONDS, type TokenClaims, type Tokens } from './jwt.js';
import type { Principal } from './principal.js';
import type { Sessions } from './sessions.js';

/** Namespaces that a foreign issuer hands out belong to it: no wallet can claim them. */
const ISSUER_OWNER = 'issuer';
/** A signature once checked need not be checked again while its token lives; a foreign key may be withdrawn. */
const FOREIGN_CACHE_MS = 60_000;

export interface KeyToken {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  subject: string;
  namespace: Namespace;
}

/** Turns what a client presents into who it is. */
export interface Auth {
  /** Throws `unauthorized`. */
  authenticate(credential: string): Promise<Principal>;
  /** Whether a principal's key, login or token still holds: at most 2 s behind. For sockets, which outlive their handshake. */
  isValid(principal: Principal): Promise<boolean>;
  /** A JWT of 15 minutes for an API key; it ends with its key. Throws `forbidden` for any other credential. */
  tokenFor(principal: Principal): Promise<KeyToken>;
}

export interface AuthDeps {
  keys: Keys;
  tokens: Tokens;
  sessions: Sessions;
  namespaces: Pick<SessionStore, 'claimNamespace'>;
}

export function createAuth({ keys, tokens, sessions, namespaces }: AuthDeps): Auth {
  // By hash, so that the process holds no list of usable credentials.
  const verified = new LRUCache<string, TokenClaims>({ max: 10_000 });
  const issued = new LRUCache<string, true>({ max: 10_000 });

  const verify = async (jwt: string): Promise<TokenClaims> => {
    const digest = hash('sha256', jwt, 'base64');
    const known = verified.get(digest);
    if (known && known.expiresAt > Date.now()) return known;
    const claims = await tokens.verify(jwt);
    if (claims.issuer === 'foreign' && !issued.has(claims.namespace)) {
      await namespaces.claimNamespace(claims.namespace, ISSUER_OWNER);
      issued.set(claims.namespace, true);
    }
    const life = Math.max(1, claims.expiresAt - Date.now());
    verified.set(digest, claims, { ttl: claims.issuer === 'own' ? life : Math.min(life, FOREIGN_CACHE_MS) });
    return claims;
  };

  const isValid = async ({ keyId, session, expiresAt }: Principal) => {
    if (expiresAt !== null && expiresAt <= Date.now()) return false;
    if (session !== null && (await sessions.isRevoked(session))) return false;
    return keyId === null || keys.isValid(keyId);
  };

  return {
    isValid,

    async authenticate(credential) {
      if (isKeyShaped(credential)) {
        const key = await keys.find(credential);
        if (key) return ofKey(key);
        throw new AppError('unauthorized', 'The API key is wrong or has been revoked.');
      }
      const principal = ofClaims(await verify(credential));
      if (await isValid(principal)) return principal;
      throw new AppError('unauthorized', 'The token has been revoked; log in again.');
    },

    async tokenFor(principal) {
      if (principal.kind !== 'api_key' || principal.keyId === null) {
        throw new AppError(
          'forbidden',
          'Only an API key can be exchanged for a token; send it as X-API-Key.',
        );
      }
      const { subject, namespace, keyId } = principal;
      return {
        access_token: await tokens.sign({ subject, namespace, keyId }),
        token_type: 'Bearer',
        expires_in: ACCESS_TOKEN_SECONDS,
        subject,
        namespace,
      };
    },
  };
}

function ofKey(key: StoredKey): Principal {
  return {
    kind: 'api_key',
    namespace: key.namespace,
    wallet: '',
    subject: `key:${key.id}`,
    isAdmin: key.isAdmin,
    keyId: key.id,
    session: null,
    expiresAt: null,
  };
}

function ofClaims(claims: TokenClaims): Principal {
  return {
    kind: 'jwt',
    namespace: claims.namespace,
    wallet: claims.keyId === null ? claims.subject : '',
    subject: claims.subject,
    // A token that leaks must not make keys: admin rights stay with the key itself.
    isAdmin: false,
    keyId: claims.keyId,
    session: claims.session,
    expiresAt: claims.expiresAt,
  };
}
