import { hash, randomBytes } from 'node:crypto';
import { DEFAULT_NAMESPACE, type Namespace, namespaceSchema } from '../contract/ids.js';
import type { KeyRecord } from '../contract/records.js';
import { ALL_RIGHTS } from '../contract/scopes.js';
import { AppError } from '../errors.js';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { KeyMaker, StoredKey } from '../ports/store/keys.js';
import type { Store } from '../ports/store.js';
import { uuidv7 } from '../uuid.js';
import { auditEntry } from './audit.js';
import type { Actor, Principal } from './auth/principal.js';
import { type AskedRights, rightsWithin } from './auth/rights.js';
import { SESSIONS_CHANNEL } from './auth/sessions.js';
import { freshCache } from './fresh-cache.js';
import type { Quotas } from './quotas.js';

const CHANNEL = 'keys';
const KEY = /^ak_[A-Za-z0-9_-]{16,128}:[A-Za-z0-9_-]{1,64}$/;
/** `last_used_at` is written at most this often per key and process. */
const TOUCH_MS = 60_000;
/** Owns the namespaces that the admin has made keys for, so that no wallet can claim them. */
const ADMIN_OWNER = 'admin';

export interface CreatedKey extends KeyRecord {
  /** Shown this once. */
  api_key: string;
}

export interface AskedKey extends AskedRights {
  name: string;
  namespace?: Namespace | undefined;
  /** Unix milliseconds. */
  expiresAt?: number | undefined;
}

/** API keys: `ak_<random>:<namespace>`, presented whole, kept as their SHA-256. */
export interface Keys extends Closable {
  /**
   * Never more than its maker has, and never longer: it ends with the maker's expiry, and with the
   * revocation of the maker or of any maker before that. Throws `insufficient_scope`, or
   * `forbidden` for a later end than the maker's.
   */
  create(by: Actor, key: AskedKey): Promise<CreatedKey>;
  list(by: Principal, namespace?: Namespace): Promise<KeyRecord[]>;
  /**
   * With all keys that go back to it; holds everywhere within 2 s. Throws `not_found`, also for
   * keys of other namespaces.
   */
  revoke(by: Actor, id: string): Promise<void>;
  /** The key that this credential is, or null. At most 2 s behind. */
  find(credential: string): Promise<StoredKey | null>;
  /** A key by its id, unless it has been revoked or has expired. At most 2 s behind. */
  get(id: string): Promise<StoredKey | null>;
  /** Makes this the admin key unless it is one already. */
  ensureAdmin(key: string): Promise<void>;
}

/** A new key for a namespace: 256 random bits. */
export function newKey(namespace: Namespace): string {
  return `ak_${randomBytes(32).toString('base64url')}:${namespace}`;
}

/** True for what has the shape of an API key; everything else can only be a JWT. */
export function isKeyShaped(credential: string): boolean {
  return KEY.test(credential);
}

export interface KeysDeps {
  store: Store;
  bus: Bus;
  quotas: Quotas;
}

export async function createKeys({ store, bus, quotas }: KeysDeps): Promise<Keys> {
  const byHash = freshCache<StoredKey>();
  const byId = freshCache<StoredKey>();
  const touched = new Map<string, number>();

  // All entries go: a key takes those with it that it made, revoking is rare, and a look-up is
  // cheap.
  const dropAll = () => {
    byHash.drop('');
    byId.drop('');
  };
  const unsubscribe = await bus.subscribe(CHANNEL, dropAll);
  // The end of a login ends the keys that it made.
  const unsubscribeSessions = await bus.subscribe(SESSIONS_CHANNEL, dropAll);
  const forgetGaps = bus.onGap(dropAll);

  // A namespace with keys is in use: a wallet that claimed it later would find itself in another's
  // data.
  const claim = async (namespace: Namespace) => {
    if (namespace !== DEFAULT_NAMESPACE) await store.sessions.claimNamespace(namespace, ADMIN_OWNER);
  };

  const touch = (id: string) => {
    const now = Date.now();
    if (now - (touched.get(id) ?? 0) < TOUCH_MS) return;
    if (touched.size > 10_000) touched.clear();
    touched.set(id, now);
    // A time that is not written is no reason to refuse the call.
    void store.keys.touch(id, now).catch(() => touched.delete(id));
  };

  return {
    async create(by, { name, namespace = by.principal.namespace, expiresAt, ...asked }) {
      const { principal } = by;
      assertOwn(principal, namespace);
      const rights = rightsWithin(principal.rights, asked);
      const maker = makerOf(principal);
      const end = endWithin(principal, maker, expiresAt);
      await claim(namespace);
      const key = newKey(namespace);
      const id = uuidv7();
      const { keys: limit } = await quotas.limits(namespace);
      const stored = await store.keys.add(
        {
          id,
          namespace,
          name,
          hash: hashOf(key),
          isAdmin: false,
          ...rights,
          expiresAt: end,
          createdBy: principal.subject,
          maker,
        },
        auditEntry(by, 'key.create', id, namespace),
        limit,
      );
      if (!stored) throw new AppError('unauthorized', 'The credential has been revoked; it makes no key.');
      return { api_key: key, ...recordOf(stored) };
    },

    async list(by, namespace = by.namespace) {
      assertOwn(by, namespace);
      return (await store.keys.list(namespace)).map(recordOf);
    },

    async revoke(by, id) {
      const { principal } = by;
      const key = await store.keys.get(id);
      if (!key || !(principal.isAdmin || (key.namespace === principal.namespace && !key.isAdmin))) {
        throw new AppError(
          'not_found',
          `There is no key ${JSON.stringify(id)} in namespace "${principal.namespace}"; list what there is with GET /v1/auth/keys.`,
        );
      }
      await store.keys.revoke(id, auditEntry(by, 'key.revoke', id, key.namespace));
      dropAll();
      // The other processes learn it from the bus, or within 2 s without it.
      await bus.publish(CHANNEL, id).catch(() => undefined);
    },

    async find(credential) {
      if (!isKeyShaped(credential)) return null;
      const digest = hashOf(credential);
      const key = await byHash.get(digest, () => store.keys.byHash(digest));
      if (!key || hasExpired(key)) return null;
      touch(key.id);
      return key;
    },

    async get(id) {
      const key = await byId.get(id, () => store.keys.get(id));
      return key && !hasExpired(key) ? key : null;
    },

    async ensureAdmin(key) {
      const digest = hashOf(key);
      if (await store.keys.byHash(digest)) return;
      const namespace = namespaceSchema.parse(key.slice(key.lastIndexOf(':') + 1));
      await claim(namespace);
      try {
        await store.keys.add({
          id: uuidv7(),
          namespace,
          name: 'admin',
          hash: digest,
          isAdmin: true,
          ...ALL_RIGHTS,
          expiresAt: null,
          createdBy: '',
          maker: null,
        });
      } catch (error) {
        // Another web process that starts at the same time was quicker.
        if (!(await store.keys.byHash(digest))) throw error;
      }
    },

    async close() {
      await forgetGaps();
      await unsubscribeSessions();
      await unsubscribe();
    },
  };
}

function assertOwn(by: Principal, namespace: Namespace): void {
  if (by.isAdmin || namespace === by.namespace) return;
  throw new AppError(
    'forbidden',
    `This credential belongs to namespace "${by.namespace}" and cannot manage the keys of "${namespace}".`,
  );
}

/**
 * What a key that this credential makes is revoked with. A token of a foreign issuer has nothing
 * that could be revoked.
 */
function makerOf({ keyId, session }: Principal): KeyMaker | null {
  if (keyId !== null) return { kind: 'key', id: keyId };
  return session === null ? null : { kind: 'session', family: session };
}

/**
 * Not later than the end of the key that makes it. A token of this engine ends sooner than the
 * login or key that it comes from, which is what counts; of a foreign one nothing but its end is
 * known.
 */
function endWithin(
  { kind, expiresAt, keyExpiresAt }: Principal,
  maker: KeyMaker | null,
  asked: number | undefined,
): number | null {
  const latest = kind === 'jwt' && maker === null ? expiresAt : keyExpiresAt;
  if (latest === null || (asked !== undefined && asked <= latest)) return asked ?? latest;
  if (asked === undefined) return latest;
  throw new AppError(
    'forbidden',
    `expires_at may not be later than the end of the credential that makes the key, ${new Date(latest).toISOString()}.`,
  );
}

function hasExpired({ expiresAt }: StoredKey): boolean {
  return expiresAt !== null && expiresAt <= Date.now();
}

function recordOf({ isAdmin: _admin, expiresAt: _end, ...record }: StoredKey): KeyRecord {
  return record;
}

function hashOf(key: string): string {
  return hash('sha256', key, 'hex');
}
