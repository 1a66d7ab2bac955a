import { hash, randomBytes } from 'node:crypto';
import { DEFAULT_NAMESPACE, type Namespace } from '../../contract/ids.js';
import { DAY_MS, HOUR_MS } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';
import type { Store } from '../../ports/store.js';
import { announce, subscribe } from '../bus-subscription.js';
import { freshCache } from '../fresh-cache.js';
import { ACCESS_TOKEN_SECONDS, type Tokens } from './jwt.js';
import { type Chain, parseWallet } from './wallets.js';

const NONCE_MS = 5 * 60_000;
const REFRESH_MS = 30 * DAY_MS;
/** Bus channel on which the end of a session is published. */
export const SESSIONS_CHANNEL = 'sessions';
const KEY_SUBJECT = 'key:';
/** Lifetime of a console session without activity: one working day. */
const KEY_REFRESH_MS = 12 * HOUR_MS;

interface ChallengeRequest {
  wallet: string;
  purpose: string;
  namespace: Namespace;
}

/** A nonce, signed by the wallet to which it was issued. */
interface SignedNonce {
  wallet: string;
  nonce: string;
  signature: string;
  namespace: Namespace;
  chain?: Chain | undefined;
}

export interface Challenge {
  wallet: string;
  namespace: Namespace;
  nonce: string;
  expires_at: string;
}

export interface SessionTokens {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  refresh_token: string;
  subject: string;
  namespace: Namespace;
}

export interface SessionsDeps {
  store: Store;
  bus: Bus;
  tokens: Tokens;
  /** Whether a wallet may claim a namespace without an owner. */
  signup: 'open' | 'closed';
}

/**
 * Sessions. A wallet's signed nonce or an API key opens one, refresh tokens extend it, and logout
 * ends it.
 */
export class Sessions implements Closable {
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #tokens: Tokens;
  readonly #signup: SessionsDeps['signup'];
  readonly #revoked = freshCache<ReadonlySet<string>>();
  #unsubscribe: Unsubscribe | undefined;

  private constructor({ store, bus, tokens, signup }: SessionsDeps) {
    this.#store = store;
    this.#bus = bus;
    this.#tokens = tokens;
    this.#signup = signup;
  }

  static async open(deps: SessionsDeps): Promise<Sessions> {
    const sessions = new Sessions(deps);
    const drop = () => sessions.#revoked.dropAll();
    sessions.#unsubscribe = await subscribe(deps.bus, { [SESSIONS_CHANNEL]: drop }, drop);
    return sessions;
  }

  async challenge({ wallet: given, purpose, namespace }: ChallengeRequest): Promise<Challenge> {
    const { wallet } = parseWallet(given);
    assertClaimable(namespace);
    const nonce = randomBytes(24).toString('base64url');
    const expiresAt = Date.now() + NONCE_MS;
    await this.#store.sessions.addNonce({ wallet, namespace, nonce, purpose, expiresAt });
    return { wallet, namespace, nonce, expires_at: new Date(expiresAt).toISOString() };
  }

  /**
   * Opens a session with a signed nonce. Throws `unauthorized` for an invalid nonce or signature,
   * and `forbidden` for a namespace that has another owner.
   */
  async verify({
    wallet: given,
    nonce,
    signature,
    namespace,
    chain: requested,
  }: SignedNonce): Promise<SessionTokens> {
    const { wallet, chain } = parseWallet(given, requested);
    assertClaimable(namespace);
    // The nonce is consumed before the signature is verified, so that it allows only one attempt.
    await this.#takeNonce(nonce, wallet, namespace);
    await assertSigned(chain, wallet, nonce, signature);
    await this.#assertOwner(namespace, wallet);
    return this.#issue(wallet, namespace, newSession());
  }

  /**
   * Opens a session for an API key, for the console. Its tokens are valid only as long as the key.
   */
  openForKey({ id, namespace }: { id: string; namespace: Namespace }): Promise<SessionTokens> {
    return this.#issue(`${KEY_SUBJECT}${id}`, namespace, newSession());
  }

  /**
   * Exchanges a refresh token, which can be used once. A second use ends the session, since one of
   * the two users must have stolen the token (RFC 9700 §4.14).
   */
  async refresh(token: string, namespace?: Namespace): Promise<SessionTokens> {
    const found = await this.#store.sessions.useRefresh(hash('sha256', token), namespace);
    if (found?.used) await this.logout(found.token.session);
    if (!found || found.used || found.token.expiresAt < Date.now()) {
      throw new AppError(
        'unauthorized',
        'The refresh token is unknown, used, expired or revoked; log in again with POST /v1/auth/challenge.',
      );
    }
    if (namespace !== undefined && namespace !== found.token.namespace) {
      throw new AppError(
        'forbidden',
        `This refresh token belongs to namespace "${found.token.namespace}" and not to "${namespace}"; log in again.`,
      );
    }
    return this.#issue(found.token.subject, found.token.namespace, found.token.session);
  }

  async logoutToken(token: string): Promise<void> {
    const found = await this.#store.sessions.useRefresh(hash('sha256', token));
    if (found) return this.logout(found.token.session);
    throw new AppError('unauthorized', 'The refresh token is unknown; there is nothing to log out of.');
  }

  async logout(session: string): Promise<void> {
    await this.#store.sessions.revokeSession(session);
    this.#revoked.dropAll();
    await announce(this.#bus, SESSIONS_CHANNEL, session);
  }

  /** Ends every session of a wallet in a namespace. */
  async logoutAll(wallet: string, namespace: Namespace): Promise<void> {
    const sessions = await this.#store.sessions.sessionsOf(wallet, namespace);
    for (const session of sessions) await this.logout(session);
  }

  /** Resolves with whether a session has ended; at most 2 s stale. */
  async isRevoked(session: string): Promise<boolean> {
    const revoked = await this.#revoked.get('all', () => this.#loadRevoked());
    return revoked?.has(session) ?? false;
  }

  async close(): Promise<void> {
    await this.#unsubscribe?.();
  }

  async #takeNonce(nonce: string, wallet: string, namespace: Namespace): Promise<void> {
    const stored = await this.#store.sessions.takeNonce(nonce, wallet);
    if (stored && stored.expiresAt >= Date.now() && stored.namespace === namespace) return;
    throw new AppError(
      'unauthorized',
      'The nonce is unknown, used or older than 5 minutes; get a new one with POST /v1/auth/challenge.',
    );
  }

  /** With open signup, an unowned namespace is assigned to the wallet. */
  async #assertOwner(namespace: Namespace, wallet: string): Promise<void> {
    const { sessions } = this.#store;
    const owner =
      this.#signup === 'open'
        ? await sessions.claimNamespace(namespace, wallet)
        : await sessions.namespaceOwner(namespace);
    if (owner === wallet) return;
    throw new AppError(
      'forbidden',
      owner === null
        ? `This engine creates no namespaces for wallets (WALLET_SIGNUP is "closed"), and no wallet owns "${namespace}"; ask its operator.`
        : `Namespace "${namespace}" has another owner; choose another namespace.`,
    );
  }

  /** `subject` is a wallet or `key:<id>`, which is not a valid wallet address. */
  async #issue(subject: string, namespace: Namespace, session: string): Promise<SessionTokens> {
    const refreshToken = `rt_${randomBytes(32).toString('base64url')}`;
    const keyId = keyIdOf(subject);
    await this.#store.sessions.addRefresh({
      hash: hash('sha256', refreshToken),
      session,
      subject,
      namespace,
      expiresAt: Date.now() + (keyId === undefined ? REFRESH_MS : KEY_REFRESH_MS),
    });
    return {
      access_token: await this.#tokens.sign({
        subject,
        namespace,
        session,
        ...(keyId === undefined ? {} : { keyId }),
      }),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
      refresh_token: refreshToken,
      subject,
      namespace,
    };
  }

  async #loadRevoked(): Promise<ReadonlySet<string>> {
    // Access tokens are valid for 15 minutes, so earlier logouts are irrelevant.
    const since = Date.now() - (ACCESS_TOKEN_SECONDS + 60) * 1000;
    return new Set(await this.#store.sessions.revokedSessions(since));
  }
}

async function assertSigned(chain: Chain, wallet: string, nonce: string, signature: string): Promise<void> {
  // Imported lazily: the curves take 8 MB, and most installations use only keys.
  const { isSignedBy } = await import('./wallet-signature.js');
  if (isSignedBy(chain, wallet, nonce, signature)) return;
  throw new AppError(
    'unauthorized',
    'The signature is not one of this nonce by this wallet; get a new nonce and sign exactly its text.',
  );
}

function assertClaimable(namespace: Namespace): void {
  if (namespace !== DEFAULT_NAMESPACE) return;
  throw new AppError(
    'forbidden',
    'Namespace "default" belongs to the admin key and no wallet can claim it; choose another namespace.',
  );
}

function newSession(): string {
  return randomBytes(18).toString('base64url');
}

function keyIdOf(subject: string): string | undefined {
  return subject.startsWith(KEY_SUBJECT) ? subject.slice(KEY_SUBJECT.length) : undefined;
}
