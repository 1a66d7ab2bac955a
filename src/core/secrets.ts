import * as z from 'zod';
import type { Namespace } from '../contract/ids.js';
import { MAX_SECRET_BYTES } from '../contract/limits.js';
import type { SecretRecord } from '../contract/records.js';
import { show } from '../contract/show.js';
import { AppError } from '../errors.js';
import type { Bus } from '../ports/bus.js';
import type { Closable } from '../ports/closable.js';
import type { Store } from '../ports/store.js';
import { auditEntry } from './auth/audit.js';
import type { Actor } from './auth/principal.js';
import { announce, subscribe } from './bus-subscription.js';
import { freshCache } from './fresh-cache.js';
import type { Quotas } from './quotas.js';
import type { SecretBox, SecretPlace } from './secret-box.js';

const ROTATION_BATCH = 100;
const CHANNEL = 'secrets';
/**
 * Bounds the memory of the cache: signing secrets have some 50 characters, others are not cached.
 */
const MAX_CACHED_LENGTH = 1024;

const secretNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be 1–128 letters, digits, "_", "." or "-"');

/**
 * Secrets of a namespace: stored encrypted, decrypted only for an invocation that reads them and to
 * verify signatures, never returned by the API.
 */
export interface Secrets extends Closable {
  set(by: Actor, namespace: Namespace, name: string, value: string): Promise<void>;
  list(namespace: Namespace): Promise<SecretRecord[]>;
  remove(by: Actor, namespace: Namespace, name: string): Promise<void>;
  /**
   * Resolves with a secret's value for `get_secret`, or null. Never cached, so that changes are
   * effective immediately.
   */
  read(namespace: Namespace, name: string): Promise<string | null>;
  /**
   * Resolves with the values of those of the secrets that are set and not empty, for `verify` of an
   * HTTP function. Cached: a change is effective in all processes immediately, or within 2 s if the
   * bus is unreachable. That none is set is never cached.
   */
  signing(namespace: Namespace, names: readonly string[]): Promise<readonly string[]>;
}

export interface SecretsDeps {
  store: Store;
  bus: Bus;
  box: SecretBox;
  quotas: Quotas;
}

export async function openSecrets({ store, bus, box, quotas }: SecretsDeps): Promise<Secrets> {
  const signing = freshCache<readonly string[]>();
  const drop = (namespace: string) => signing.dropPrefix(`${namespace}/`);
  const close = await subscribe(bus, { [CHANNEL]: drop }, signing.dropAll);

  const changed = async (namespace: Namespace) => {
    drop(namespace);
    await announce(bus, CHANNEL, namespace);
  };

  const read = async (namespace: Namespace, name: string) => {
    const stored = await store.secrets.get(namespace, name);
    return stored === null ? null : box.open(stored.sealed, { namespace, name });
  };

  const readAll = async (namespace: Namespace, names: readonly string[]) => {
    const values = await Promise.all(names.map((name) => read(namespace, name)));
    const set = values.filter((value): value is string => value !== null && value !== '');
    return set.length === 0 ? null : set;
  };

  return {
    read,
    async signing(namespace, names) {
      const key = `${namespace}/${names.join(',')}`;
      const values = (await signing.get(key, () => readAll(namespace, names))) ?? [];
      if (values.join('').length > MAX_CACHED_LENGTH) signing.drop(key);
      return values;
    },
    async set(by, namespace, name, value) {
      assertName(name);
      const bytes = Buffer.byteLength(value);
      if (bytes > MAX_SECRET_BYTES) {
        throw new AppError(
          'payload_too_large',
          `The value of "${name}" has ${bytes} bytes; at most ${MAX_SECRET_BYTES} (64 KB) are allowed.`,
        );
      }
      const { secrets: limit } = await quotas.limits(namespace);
      await store.secrets.put(
        namespace,
        { name, sealed: box.seal(value, { namespace, name }), keyId: box.keyId },
        auditEntry(by, 'secret.set', name, namespace),
        limit,
      );
      await changed(namespace);
    },
    list: (namespace) => store.secrets.list(namespace),
    async remove(by, namespace, name) {
      const audit = auditEntry(by, 'secret.delete', name, namespace);
      if (await store.secrets.remove(namespace, name, audit)) return changed(namespace);
      throw new AppError(
        'not_found',
        `There is no secret ${JSON.stringify(name)} in namespace "${namespace}".`,
      );
    },
    close,
  };
}

interface Resealed {
  /** The number of secrets that were re-encrypted. */
  resealed: number;
  /** Those that cannot be decrypted, and stay as they are. */
  unreadable: { place: SecretPlace; cause: unknown }[];
}

/** Re-encrypts every secret with the current key. Can be interrupted and restarted at any point. */
export async function resealSecrets({ secrets }: Pick<Store, 'secrets'>, box: SecretBox): Promise<Resealed> {
  let resealed = 0;
  for (;;) {
    const pass = await resealOnce(secrets, box);
    resealed += pass.resealed;
    // A process that still encrypts with the previous key may have set some behind the pass.
    if (pass.resealed + pass.changed === 0) return { resealed, unreadable: pass.unreadable };
  }
}

/** @returns As `resealSecrets`, and the number of secrets that were changed meanwhile. */
async function resealOnce(
  secrets: Store['secrets'],
  box: SecretBox,
): Promise<Resealed & { changed: number }> {
  const pass: Awaited<ReturnType<typeof resealOnce>> = { resealed: 0, unreadable: [], changed: 0 };
  let after: { namespace: Namespace; name: string } | null = null;
  for (;;) {
    const batch = await secrets.notSealedWith(box.keyId, ROTATION_BATCH, after);
    if (batch.length === 0) return pass;
    for (const { namespace, ...secret } of batch) {
      const place = { namespace, name: secret.name };
      after = place;
      let sealed: Uint8Array;
      try {
        sealed = box.seal(box.open(secret.sealed, place), place);
      } catch (cause) {
        pass.unreadable.push({ place, cause });
        continue;
      }
      if (await secrets.reseal(namespace, secret, { name: secret.name, sealed, keyId: box.keyId }))
        pass.resealed += 1;
      else pass.changed += 1;
    }
  }
}

function assertName(name: string): void {
  const parsed = secretNameSchema.safeParse(name);
  if (parsed.success) return;
  throw new AppError('invalid_request', `name ${parsed.error.issues[0]?.message}, not ${show(name)}.`);
}
