import { randomBytes } from 'node:crypto';
import test from 'ava';
import { createSecretBox } from '../../src/core/secret-box.js';

const place = { namespace: 'shop', name: 'TOKEN' };

test('opening a sealed secret returns the original value', (t) => {
  const box = createSecretBox(randomBytes(32));
  t.is(box.open(box.seal('pä$$ 🗝', place), place), 'pä$$ 🗝');
  t.is(box.open(box.seal('', place), place), '');
});

test('sealing a secret twice gives different bytes that do not contain the secret', (t) => {
  const box = createSecretBox(randomBytes(32));
  const [one, two] = [box.seal('open sesame', place), box.seal('open sesame', place)];
  t.notDeepEqual(one, two);
  t.false(Buffer.from(one).includes('sesame'));
});

test('a sealed secret cannot be opened under another name or namespace', (t) => {
  const box = createSecretBox(randomBytes(32));
  const sealed = box.seal('x', { namespace: 'a', name: 'bc' });
  t.throws(() => box.open(sealed, { namespace: 'ab', name: 'c' }), { code: 'unavailable' });
  t.throws(() => box.open(sealed, { namespace: 'a', name: 'b' }), { code: 'unavailable' });
});

test('a sealed secret with any changed byte cannot be opened', (t) => {
  const box = createSecretBox(randomBytes(32));
  const sealed = box.seal('x', place);
  for (let at = 0; at < sealed.byteLength; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.throws(() => box.open(changed, place), { code: 'unavailable' });
  }
  t.throws(() => box.open(new Uint8Array(3), place), { code: 'unavailable' });
});

test('another master key has another id and cannot open a sealed secret', (t) => {
  const [one, two] = [createSecretBox(randomBytes(32)), createSecretBox(randomBytes(32))];
  t.not(one.keyId, two.keyId);
  t.throws(() => two.open(one.seal('x', place), place), { code: 'unavailable' });
});
