import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../db/open.js';
import { assertMasterKey } from '../../src/core/master-key.js';
import { createKeyring, createSecretBox } from '../../src/core/secret-box.js';
import { aNamespace } from '../helpers/attempt.js';
import { anEntry, ENOUGH } from '../helpers/audited.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('a master key that does not decrypt the stored secrets is refused, even if no signing key is stored', async (t) => {
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'secrets.sqlite') });
  t.teardown(store.close);
  const [right, wrong] = [randomBytes(32), randomBytes(32)];
  const box = createSecretBox(right);
  const place = { namespace: aNamespace(), name: 'TOKEN' };
  const secret = { name: place.name, sealed: box.seal('value', place), keyId: box.keyId };
  await store.secrets.put(place.namespace, secret, anEntry(), ENOUGH);
  const refused = { code: 'bad_config', message: /another master key.*ORAMA_SECRETS_KEY/ };
  await t.throwsAsync(assertMasterKey(store, createSecretBox(wrong)), refused);
  // The refused one has stored nothing by which the right one would be refused.
  await t.notThrowsAsync(assertMasterKey(store, box));
  await t.throwsAsync(assertMasterKey(store, createSecretBox(wrong)), refused);
  await t.notThrowsAsync(assertMasterKey(store, createKeyring(wrong, [right])));
});

test('the master key of the first process is the one of all', async (t) => {
  const store = await openStore({ driver: 'sqlite', file: join(directory, 'first.sqlite') });
  t.teardown(store.close);
  const boxes = Array.from({ length: 4 }, () => createSecretBox(randomBytes(32)));
  const starts = await Promise.allSettled(boxes.map((box) => assertMasterKey(store, box)));
  t.is(starts.filter(({ status }) => status === 'fulfilled').length, 1);
});
