import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../db/open.js';
import { createKeyring, createSecretBox } from '../../src/core/secret-box.js';
import { resealSecrets } from '../../src/core/secrets.js';
import { aNamespace } from '../helpers/attempt.js';
import { anEntry, ENOUGH } from '../helpers/audited.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('secrets that cannot be decrypted are reported and kept, and all others are sealed with the new key', async (t) => {
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'store.sqlite') });
  t.teardown(store.close);
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
  const old = createSecretBox(oldKey);
  const box = createKeyring(newKey, [oldKey]);
  const namespace = aNamespace();
  const names = Array.from({ length: 250 }, (_, n) => `S${String(n).padStart(3, '0')}`);
  const isDamaged = (name: string) => ['S000', 'S001', 'S120', 'S249'].includes(name);
  for (const name of names) {
    const sealed = old.seal(`value of ${name}`, { namespace, name });
    if (isDamaged(name)) sealed[20] = 1 ^ (sealed[20] ?? 0);
    await store.secrets.put(namespace, { name, sealed, keyId: old.keyId }, anEntry(), ENOUGH);
  }
  // A process that still encrypts with the previous key sets secrets at and behind the pass.
  const put = (name: string) => {
    const sealed = old.seal(`value of ${name}`, { namespace, name });
    return store.secrets.put(namespace, { name, sealed, keyId: old.keyId }, anEntry(), ENOUGH);
  };
  const others = ['S150', 'A'];
  const racing = {
    ...store.secrets,
    async reseal(...args: Parameters<typeof store.secrets.reseal>) {
      if (args[1].name === 'S150') for (const name of others.splice(0)) await put(name);
      return store.secrets.reseal(...args);
    },
  };
  const { resealed, unreadable } = await resealSecrets({ secrets: racing }, box);
  t.is(resealed, 247);
  t.deepEqual(
    unreadable.map(({ place }) => place.name),
    names.filter(isDamaged),
  );
  names.push('A');
  const current = createSecretBox(newKey);
  for (const name of names) {
    const stored = await store.secrets.get(namespace, name);
    t.is(stored?.keyId, isDamaged(name) ? old.keyId : box.keyId);
    if (stored !== null && !isDamaged(name))
      t.is(current.open(stored.sealed, { namespace, name }), `value of ${name}`);
  }
});
