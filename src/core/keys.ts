import { hash, randomBytes } from 'node:crypto';
import { DEFAULT_NAMESPACE, type Namespace, namespaceSchema } from '../contract/ids.js';
import type { KeyRecord } from '../contract/records.js';
import { AppError } from '../errors.js';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { Store, StoredKey } from '../ports/store.js';
import type { Principal } from './auth/principal.js';
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

/** API keys: `ak_<random>:<namespace>`, presented whole, kept as their SHA-256. */
export interface Keys extends Closable {
  create(by: Principal, key: { name: string; namespace?: Namespace }): Promise<CreatedKey>;
  list(by: Principal, namespace?: Namespace): Promise<KeyRecord[]>;
  /** Holds everywhere within 2 s. Throws `not_found`, also for keys of other namespaces. */
  revoke(by: Principal, id: string): Promise<void>;
  /** The key that this credential is, or null. At most 2 s behind. */
  find(credential: string): Promise<StoredKey | null>;
  /** Whether a key found earlier still holds. At most 2 s behind. */
  isValid(id: string): Promise<boolean>;
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

  // Entries by hash all go: revoking is rare, a look-up is cheap, and nobody but its holder knows a key's hash.
  const drop = (id: string) => {
    byHash.drop('');
    byId.drop(id);
  };
  const unsubscribe = await bus.subscribe(CHANNEL, drop);
  const forgetGaps = bus.onGap(() => drop(''));

  // A namespace with keys is in use: a wallet that claimed it later would find itself in another's data.
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
    async create(by, { name, namespace = by.namespace }) {
      assertOwn(by, namespace);
      await claim(namespace);
      const key = newKey(namespace);
      const { keys: limit } = await quotas.limits(namespace);
      const stored = await store.keys.add({ namespace, name, hash: hashOf(key), isAdmin: false }, limit);
      return { api_key: key, ...recordOf(stored) };
    },

    async list(by, namespace = by.namespace) {
      assertOwn(by, namespace);
      return (await store.keys.list(namespace)).map(recordOf);
    },

    async revoke(by, id) {
      const key = await store.keys.get(id);
      if (!key || !(by.isAdmin || (key.namespace === by.namespace && !key.isAdmin))) {
        throw new AppError(
          'not_found',
          `There is no key ${JSON.stringify(id)} in namespace "${by.namespace}"; list what there is with GET /v1/auth/keys.`,
        );
      }
      await store.keys.revoke(id);
      drop(id);
      // The other processes learn it from the bus, or within 2 s without it.
      await bus.publish(CHANNEL, id).catch(() => undefined);
    },

    async find(credential) {
      if (!isKeyShaped(credential)) return null;
      const digest = hashOf(credential);
      const key = await byHash.get(digest, () => store.keys.byHash(digest));
      if (key) touch(key.id);
      return key;
    },

    isValid: async (id) => (await byId.get(id, () => store.keys.get(id))) !== null,

    async ensureAdmin(key) {
      const digest = hashOf(key);
      if (await store.keys.byHash(digest)) return;
      const namespace = namespaceSchema.parse(key.slice(key.lastIndexOf(':') + 1));
      await claim(namespace);
      try {
        await store.keys.add({ namespace, name: 'admin', hash: digest, isAdmin: true });
      } catch (error) {
        // Another web process that starts at the same time was quicker.
        if (!(await store.keys.byHash(digest))) throw error;
      }
    },

    async close() {
      await forgetGaps();
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

function recordOf({ isAdmin: _, ...record }: StoredKey): KeyRecord {
  return record;
}

function hashOf(key: string): string {
  return hash('sha256', key, 'hex');
}
