import { z } from 'zod';
import type { Namespace } from '../contract/ids.js';
import type { SecretRecord } from '../contract/records.js';
import { AppError } from '../errors.js';
import type { Store } from '../ports/store.js';
import { auditEntry } from './audit.js';
import type { Actor } from './auth/principal.js';
import type { Quotas } from './quotas.js';
import type { SecretBox } from './secret-box.js';

const MAX_SECRET_BYTES = 64 << 10;
const ROTATION_BATCH = 100;

export const secretNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be 1–128 letters, digits, "_", "." or "-"');

/**
 * Secrets of a namespace: stored encrypted, decrypted only for an invocation that reads them, never
 * returned by the API.
 */
export interface Secrets {
  set(by: Actor, namespace: Namespace, name: string, value: string): Promise<void>;
  list(namespace: Namespace): Promise<SecretRecord[]>;
  remove(by: Actor, namespace: Namespace, name: string): Promise<void>;
  /**
   * Resolves with a secret's value for `get_secret`, or null. Never cached, so that changes are
   * effective immediately.
   */
  read(namespace: Namespace, name: string): Promise<string | null>;
}

export interface SecretsDeps {
  store: Store;
  box: SecretBox;
  quotas: Quotas;
}

export function createSecrets({ store, box, quotas }: SecretsDeps): Secrets {
  return {
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
    },
    list: (namespace) => store.secrets.list(namespace),
    async remove(by, namespace, name) {
      const audit = auditEntry(by, 'secret.delete', name, namespace);
      if (await store.secrets.remove(namespace, name, audit)) return;
      throw new AppError(
        'not_found',
        `There is no secret ${JSON.stringify(name)} in namespace "${namespace}".`,
      );
    },
    async read(namespace, name) {
      const stored = await store.secrets.get(namespace, name);
      return stored === null ? null : box.open(stored.sealed, { namespace, name });
    },
  };
}

/**
 * Re-encrypts every secret with the current key. Can be interrupted and restarted at any point.
 * Resolves with the number of secrets.
 */
export async function resealSecrets(store: Store, box: SecretBox): Promise<number> {
  let done = 0;
  for (;;) {
    const batch = await store.secrets.notSealedWith(box.keyId, ROTATION_BATCH);
    if (batch.length === 0) return done;
    for (const { namespace, ...secret } of batch) {
      const place = { namespace, name: secret.name };
      const sealed = box.seal(box.open(secret.sealed, place), place);
      // False if the secret was changed meanwhile; the next batch contains it again if necessary.
      if (await store.secrets.reseal(namespace, secret, { name: secret.name, sealed, keyId: box.keyId }))
        done += 1;
    }
  }
}

function assertName(name: string): void {
  const parsed = secretNameSchema.safeParse(name);
  if (parsed.success) return;
  throw new AppError(
    'invalid_request',
    `name ${parsed.error.issues[0]?.message}, not ${JSON.stringify(name)}.`,
  );
}
