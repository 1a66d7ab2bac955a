import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  errors,
  exportJWK,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import * as z from 'zod';
import { type Namespace, namespaceSchema } from '../../contract/ids.js';
import { AppError } from '../../errors.js';
import type { SettingStore } from '../../ports/store/settings.js';
import type { SecretBox } from '../secret-box.js';
import { KeySetUnreachable, remoteVerifier } from './key-set.js';

export const ACCESS_TOKEN_SECONDS = 15 * 60;
const ISSUER = 'orama-functions';
const AUDIENCE = 'orama-functions';
/** Tolerated clock skew between issuer and engine. */
const FOREIGN_TOLERANCE_SECONDS = 5;
const FOREIGN_ALGORITHMS = ['EdDSA', 'RS256', 'ES256'];
/** The last moment that RFC 3339 can express. Issuers may let tokens expire later. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const KEY_PLACE = { namespace: '', name: 'jwt-key' };
const KEY_SETTING = { scope: 'engine', name: KEY_PLACE.name } as const;

/** The claims of a token whose signature, issuer, audience and times have been verified. */
export interface TokenClaims {
  issuer: 'own' | 'foreign';
  /** Identifies a foreign issuer: its `iss` if that is verified, otherwise the URL of its keys. */
  issuerName: string;
  subject: string;
  namespace: Namespace;
  /** The session to which the token belongs. */
  session: string | null;
  /** The API key that the token was issued for. */
  keyId: string | null;
  /** Unix milliseconds. */
  expiresAt: number;
}

export interface NewToken {
  subject: string;
  namespace: Namespace;
  session?: string;
  keyId?: string;
}

/**
 * Signs and verifies JWTs (RFC 7519). Does not check whether the key or session behind a token is
 * still valid.
 */
export interface Tokens {
  /** Signs a token that is valid for 15 minutes. */
  sign(token: NewToken): Promise<string>;
  /** Verifies a token. Throws `unauthorized` with the reason. */
  verify(jwt: string): Promise<TokenClaims>;
  /** Returns the public key set (RFC 7517) for `/v1/auth/jwks`. */
  jwks(): JSONWebKeySet;
}

export interface ForeignIssuer {
  jwksUrl: string;
  issuer?: string | undefined;
  audience?: string | undefined;
}

export interface TokensOptions {
  /** PKCS#8 PEM, Ed25519 or RSA. */
  privateKey: string;
  foreign?: ForeignIssuer | undefined;
}

const claimsSchema = z.object({
  sub: z.string().min(1).max(256),
  namespace: namespaceSchema,
  exp: z.number(),
  sid: z.string().optional(),
  key: z.string().optional(),
});

export async function openTokens({ privateKey, foreign }: TokensOptions): Promise<Tokens> {
  const key = readKey(privateKey);
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'EdDSA';
  const publicKey = createPublicKey(key);
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const verifyOwn = async (jwt: string) => {
    const { payload } = await jwtVerify(jwt, publicKey, {
      algorithms: [alg],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'sub'],
    });
    return payload;
  };
  const verifyForeign = foreign && foreignVerifier(foreign);

  return {
    sign: ({ subject, namespace, session, keyId }) =>
      new SignJWT({
        namespace,
        ...(session === undefined ? {} : { sid: session }),
        ...(keyId === undefined ? {} : { key: keyId }),
      })
        .setProtectedHeader({ alg, kid, typ: 'JWT' })
        .setSubject(subject)
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${ACCESS_TOKEN_SECONDS}s`)
        .sign(key),

    async verify(jwt) {
      try {
        // The `kid` header only selects the key set; each key set has its own list of accepted
        // algorithms, independent of the header.
        const isForeign = verifyForeign !== undefined && keyIdOf(jwt) !== kid;
        const payload = await (isForeign ? verifyForeign(jwt) : verifyOwn(jwt));
        return claimsOf(payload, isForeign ? foreign : undefined);
      } catch (error) {
        if (error instanceof KeySetUnreachable) {
          throw new AppError('unavailable', 'The key set of the token issuer cannot be fetched; try again.', {
            cause: error,
          });
        }
        throw new AppError('unauthorized', rejectionMessage(error), { cause: error });
      }
    },

    jwks: () => ({ keys: [{ ...jwk, kid, alg, use: 'sig' }] }),
  };
}

/**
 * Returns the signing key that is used if none is configured: generated once and stored encrypted,
 * the same for all processes.
 */
export async function storedJwtKey(settings: SettingStore, box: SecretBox): Promise<string> {
  return openJwtKey(await sealedJwtKey(settings, box), box);
}

/** Returns the same key as it is stored. */
export async function sealedJwtKey(settings: SettingStore, box: SecretBox): Promise<string> {
  const { scope, name } = KEY_SETTING;
  return (await settings.get(scope, name)) ?? (await settings.putIfAbsent(scope, name, newJwtKey(box)));
}

export async function hasJwtKey(settings: SettingStore): Promise<boolean> {
  return (await settings.get(KEY_SETTING.scope, KEY_SETTING.name)) !== null;
}

/** Re-encrypts the stored key with the current master key. */
export async function resealJwtKey(settings: SettingStore, box: SecretBox): Promise<void> {
  const { scope, name } = KEY_SETTING;
  const held = await settings.get(scope, name);
  if (held !== null) await settings.put(scope, name, sealJwtKey(openJwtKey(held, box), box), null);
}

function newJwtKey(box: SecretBox): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return sealJwtKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), box);
}

function sealJwtKey(pem: string, box: SecretBox): string {
  return Buffer.from(box.seal(pem, KEY_PLACE)).toString('base64');
}

export function openJwtKey(sealed: string, box: SecretBox): string {
  return box.open(Buffer.from(sealed, 'base64'), KEY_PLACE);
}

function foreignVerifier({ jwksUrl, issuer, audience }: ForeignIssuer) {
  return remoteVerifier(jwksUrl, {
    algorithms: FOREIGN_ALGORITHMS,
    clockTolerance: FOREIGN_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'sub'],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  });
}

function keyIdOf(jwt: string): string | undefined {
  try {
    return decodeProtectedHeader(jwt).kid;
  } catch {
    // Without a readable header it is not a JWT.
    throw new errors.JWTInvalid('no header');
  }
}

function claimsOf(payload: JWTPayload, foreign: ForeignIssuer | undefined): TokenClaims {
  const { sub, namespace, exp, sid, key } = claimsSchema.parse(payload);
  const own = foreign === undefined;
  return {
    issuer: own ? 'own' : 'foreign',
    issuerName: own ? ISSUER : (foreign.issuer ?? foreign.jwksUrl),
    subject: sub,
    namespace,
    session: (own ? sid : undefined) ?? null,
    keyId: (own ? key : undefined) ?? null,
    expiresAt: Math.min(exp * 1000, LAST_MOMENT),
  };
}

function readKey(pem: string): KeyObject {
  const shape = 'must be an Ed25519 or RSA private key (at least 2048 bits) as PKCS#8 PEM';
  let key: KeyObject;
  try {
    // Environment files cannot contain line breaks, so a literal \n is accepted instead.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch (error) {
    throw new AppError(
      'bad_config',
      `ORAMA_JWT_KEY ${shape}; make one with openssl genpkey -algorithm ed25519.`,
      { cause: error },
    );
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const usable = key.asymmetricKeyType === 'ed25519' || (key.asymmetricKeyType === 'rsa' && bits >= 2048);
  if (!usable) throw new AppError('bad_config', `ORAMA_JWT_KEY ${shape}, not ${key.asymmetricKeyType}.`);
  return key;
}

function rejectionMessage(error: unknown): string {
  if (error instanceof errors.JWTExpired) {
    return 'The token has expired; get a new one with POST /v1/auth/refresh.';
  }
  if (error instanceof z.ZodError) {
    return 'The token has no usable "sub" and "namespace" claims.';
  }
  return 'The credential is neither an API key nor a token that this engine accepts.';
}
