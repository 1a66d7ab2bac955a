import { randomBytes } from 'node:crypto';
import test from 'ava';
import { createKeyring, createSecretBox } from '../../src/core/secret-box.js';

const place = { namespace: 'shop', name: 'TOKEN' };

test('a keyring seals with its first key and opens values sealed with any of its keys', (t) => {
  const [old, fresh] = [randomBytes(32), randomBytes(32)];
  const ring = createKeyring(fresh, [old]);
  t.is(ring.keyId, createSecretBox(fresh).keyId);
  t.is(ring.open(createSecretBox(old).seal('before', place), place), 'before');
  t.is(createSecretBox(fresh).open(ring.seal('after', place), place), 'after');
});

test('a keyring does not open a value sealed with another key', (t) => {
  const ring = createKeyring(randomBytes(32), [randomBytes(32)]);
  t.throws(() => ring.open(createSecretBox(randomBytes(32)).seal('x', place), place), {
    code: 'unavailable',
  });
});
