import { hash, randomBytes } from 'node:crypto';
import { API_KEY, DEFAULT_NAMESPACE, type Namespace, namespaceSchema } from '../../contract/ids.js';
import type { KeyRecord } from '../../contract/records.js';
import { ALL_RIGHTS } from '../../contract/scopes.js';
import { AppError } from '../../errors.js';
import type { Bus, Unsubscribe } from '../../ports/bus.js';
import type { Closable } from '../../ports/closable.js';
import type { KeyMaker, StoredKey } from '../../ports/store/keys.js';
import type { Store } from '../../ports/store.js';
import { uuidv7 } from '../../uuid.js';
import { announce, subscribe } from '../bus-subscription.js';
import { freshCache } from '../fresh-cache.js';
import type { Quotas } from '../quotas.js';
import { auditEntry } from './audit.js';
import type { Actor, Principal } from './principal.js';
import { type RequestedRights, rightsWithin } from './rights.js';
import { SESSIONS_CHANNEL } from './sessions.js';

const CHANNEL = 'keys';
/** Minimum interval between writes of `last_used_at`, per key and process. */
const TOUCH_MS = 60_000;
/** Owner of namespaces for which the admin has created keys, so that wallets cannot claim them. */
const ADMIN_OWNER = 'admin';

export interface CreatedKey extends KeyRecord {
  /** Returned only once. */
  api_key: string;
}

export interface RequestedKey extends RequestedRights {
  name: string;
  namespace?: Namespace | undefined;
  /** Unix milliseconds. */
  expiresAt?: number | undefined;
}

export interface AdminKeys {
  /** Whether the key was revoked earlier, and thus is not accepted. */
  isRevoked: boolean;
  /** The other valid admin keys. */
  others: KeyRecord[];
}

/** Generates a key for a namespace with 256 random bits. */
export function newKey(namespace: Namespace): string {
  return `ak_${randomBytes(32).toString('base64url')}:${namespace}`;
}

/** Returns whether the credential has the format of an API key; any other can only be a JWT. */
export function isKeyShaped(credential: string): boolean {
  return API_KEY.test(credential);
}

export interface KeysDeps {
  store: Store;
  bus: Bus;
  quotas: Quotas;
}

/** API keys of the form `ak_<random>:<namespace>`, stored as SHA-256 hashes. */
export class Keys implements Closable {
  readonly #store: Store;
  readonly #bus: Bus;
  readonly #quotas: Quotas;
  readonly #byHash = freshCache<StoredKey>();
  readonly #byId = freshCache<StoredKey>();
  /** When `last_used_at` was last written, by key id. */
  readonly #touched = new Map<string, number>();
  #unsubscribe: Unsubscribe | undefined;

  private constructor({ store, bus, quotas }: KeysDeps) {
    this.#store = store;
    this.#bus = bus;
    this.#quotas = quotas;
  }

  static async open(deps: KeysDeps): Promise<Keys> {
    const keys = new Keys(deps);
    const drop = () => keys.#dropAll();
    // The end of a session also revokes the keys created with it.
    keys.#unsubscribe = await subscribe(deps.bus, { [CHANNEL]: drop, [SESSIONS_CHANNEL]: drop }, drop);
    return keys;
  }

  /**
   * Creates a key. Its rights and expiry cannot exceed those of its maker, and it is revoked with
   * its maker, directly or indirectly. Throws `insufficient_scope`, or `forbidden` for a later
   * expiry than the maker's.
   */
  async create(
    by: Actor,
    { name, namespace = by.principal.namespace, expiresAt, ...requested }: RequestedKey,
  ): Promise<CreatedKey> {
    const { principal } = by;
    assertOwn(principal, namespace);
    const rights = rightsWithin(principal.rights, requested);
    const maker = makerOf(principal);
    const end = endWithin(principal, maker, expiresAt);
    await this.#claim(namespace);
    const key = newKey(namespace);
    const id = uuidv7();
    const { keys: limit } = await this.#quotas.limits(namespace);
    const stored = await this.#store.keys.add(
      {
        id,
        namespace,
        name,
        hash: hash('sha256', key),
        isAdmin: false,
        ...rights,
        expiresAt: end,
        createdBy: principal.subject,
        maker,
      },
      auditEntry(by, 'key.create', id, namespace, name),
      limit,
    );
    if (!stored)
      throw new AppError('unauthorized', 'The credential has been revoked and cannot create keys.');
    return { api_key: key, ...recordOf(stored) };
  }

  async list(by: Principal, namespace: Namespace = by.namespace): Promise<KeyRecord[]> {
    assertOwn(by, namespace);
    return (await this.#store.keys.list(namespace)).map(recordOf);
  }

  /**
   * Revokes a key and all keys created with it; effective in all processes within 2 s. Throws
   * `not_found`, also for keys of other namespaces. The admin key reaches all of them, or the one
   * that it names.
   */
  async revoke(by: Actor, id: string, namespace?: Namespace): Promise<void> {
    const { principal } = by;
    const key = await this.#store.keys.get(id);
    const reached = key && (principal.isAdmin || (key.namespace === principal.namespace && !key.isAdmin));
    if (!reached || (namespace !== undefined && key.namespace !== namespace)) {
      throw new AppError(
        'not_found',
        `There is no key ${JSON.stringify(id)} in namespace "${namespace ?? principal.namespace}"; list what there is with GET /v1/auth/keys.`,
      );
    }
    await this.#store.keys.revoke(id, auditEntry(by, 'key.revoke', id, key.namespace, key.name));
    this.#dropAll();
    await announce(this.#bus, CHANNEL, id);
  }

  /** Resolves with the key of a credential, or null; at most 2 s stale. */
  async find(credential: string): Promise<StoredKey | null> {
    if (!isKeyShaped(credential)) return null;
    const digest = hash('sha256', credential);
    const key = await this.#byHash.get(digest, () => this.#store.keys.byHash(digest));
    if (!key || hasExpired(key)) return null;
    this.#touch(key.id);
    return key;
  }

  /**
   * Resolves with a key by id, or null if it has been revoked or has expired; at most 2 s stale.
   */
  async get(id: string): Promise<StoredKey | null> {
    const key = await this.#byId.get(id, () => this.#store.keys.get(id));
    return key && !hasExpired(key) ? key : null;
  }

  /**
   * Stores the key as an admin key unless it is one already or has been revoked. The keys that it
   * has replaced are valid until they are revoked, since processes may still be set to them, and
   * since their revocation also ends the keys made with them.
   */
  async ensureAdmin(key: string): Promise<AdminKeys> {
    const stored = await this.#storedAdmin(key);
    const isOther = (admin: StoredKey) => admin.id !== stored?.id && !hasExpired(admin);
    const others = (await this.#store.keys.admins()).filter(isOther);
    return { isRevoked: stored === null, others: others.map(recordOf) };
  }

  /** Resolves with null if the key has been revoked. */
  async #storedAdmin(key: string): Promise<StoredKey | null> {
    const digest = hash('sha256', key);
    const known = await this.#store.keys.byHash(digest);
    if (known !== null) return known;
    const namespace = namespaceSchema.parse(key.slice(key.lastIndexOf(':') + 1));
    await this.#claim(namespace);
    try {
      const admin = { id: uuidv7(), namespace, name: 'admin', hash: digest, isAdmin: true, ...ALL_RIGHTS };
      const given = { ...admin, expiresAt: null, createdBy: '', maker: null };
      return await this.#store.keys.add(given, null, null);
    } catch (error) {
      // Another web process that started at the same time has added it.
      const added = await this.#store.keys.byHash(digest);
      if (added === null) throw error;
      return added;
    }
  }

  async close(): Promise<void> {
    await this.#unsubscribe?.();
  }

  /**
   * Drops all entries, as revoking a key also revokes those created with it. Revocations are rare
   * and lookups are cheap.
   */
  #dropAll(): void {
    this.#byHash.dropAll();
    this.#byId.dropAll();
  }

  /**
   * A namespace with keys is in use: a wallet that claims it later would gain access to another
   * owner's data.
   */
  async #claim(namespace: Namespace): Promise<void> {
    if (namespace !== DEFAULT_NAMESPACE) await this.#store.sessions.claimNamespace(namespace, ADMIN_OWNER);
  }

  #touch(id: string): void {
    const now = Date.now();
    if (now - (this.#touched.get(id) ?? 0) < TOUCH_MS) return;
    if (this.#touched.size > 10_000) this.#touched.clear();
    this.#touched.set(id, now);
    // A failure to write `last_used_at` must not fail the call.
    void this.#store.keys.touch(id, now).catch(() => this.#touched.delete(id));
  }
}

function assertOwn(by: Principal, namespace: Namespace): void {
  if (by.isAdmin || namespace === by.namespace) return;
  throw new AppError(
    'forbidden',
    `This credential belongs to namespace "${by.namespace}" and cannot manage the keys of "${namespace}".`,
  );
}

/**
 * Returns the credential whose revocation also revokes a key created by the principal; null for a
 * token of a foreign issuer, which cannot be revoked.
 */
function makerOf({ keyId, session }: Principal): KeyMaker | null {
  if (keyId !== null) return { kind: 'key', id: keyId };
  return session === null ? null : { kind: 'session', id: session };
}

/**
 * Returns the expiry of a new key, at most that of its maker. For a token of this engine, the
 * expiry of the session or key behind it applies; for a foreign token, that of the token itself.
 */
function endWithin(
  { kind, expiresAt, keyExpiresAt }: Principal,
  maker: KeyMaker | null,
  requested: number | undefined,
): number | null {
  const latest = kind === 'jwt' && maker === null ? expiresAt : keyExpiresAt;
  if (latest === null || (requested !== undefined && requested <= latest)) return requested ?? latest;
  if (requested === undefined) return latest;
  throw new AppError(
    'forbidden',
    `expires_at may not be later than the expiry of the credential that creates the key, ${new Date(latest).toISOString()}.`,
  );
}

function hasExpired({ expiresAt }: StoredKey): boolean {
  return expiresAt !== null && expiresAt <= Date.now();
}

function recordOf({ isAdmin: _admin, expiresAt: _end, ...record }: StoredKey): KeyRecord {
  return record;
}
