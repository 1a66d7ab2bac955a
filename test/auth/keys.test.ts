import test from 'ava';
import { DEFAULT_NAMESPACE } from '../../src/contract/ids.js';
import { newKey } from '../../src/core/keys.js';
import { aNamespace } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { openAuth } from './parts.js';

const directory = tempDir();
const parts = shared(() => openAuth(directory));

const admin = async () => {
  const { keys, auth } = await parts();
  const key = newKey(DEFAULT_NAMESPACE);
  await keys.ensureAdmin(key);
  return auth.authenticate(key);
};

test('a key reads ak_<random>:<namespace> and says who is calling', async (t) => {
  const { keys, auth } = await parts();
  const namespace = aNamespace();
  const made = await keys.create(await admin(), { name: 'ci', namespace });
  t.regex(made.api_key, new RegExp(`^ak_[A-Za-z0-9_-]{43}:${namespace}$`));
  const principal = await auth.authenticate(made.api_key);
  t.like(principal, { namespace, keyId: made.id, wallet: '', isAdmin: false });
});

test('a key must be presented whole', async (t) => {
  const { keys, auth } = await parts();
  const made = await keys.create(await admin(), { name: 'whole', namespace: aNamespace() });
  const [random = ''] = made.api_key.split(':');
  const wrong = [random, `${random}:default`, `${made.api_key}x`, made.api_key.toUpperCase(), `${random}:`];
  for (const credential of wrong) {
    await t.throwsAsync(auth.authenticate(credential), { code: 'unauthorized' }, credential);
  }
});

test('the store holds no key, only its hash', async (t) => {
  const { keys, store } = await parts();
  const namespace = aNamespace();
  const made = await keys.create(await admin(), { name: 'hashed', namespace });
  const [stored] = await store.keys.list(namespace);
  t.truthy(stored);
  t.false(JSON.stringify(stored).includes(made.api_key.slice(3, 20)));
});

test('a key is revoked by its own namespace and by no other', async (t) => {
  const { keys, auth } = await parts();
  const made = await keys.create(await admin(), { name: 'short', namespace: aNamespace() });
  const other = await keys.create(await admin(), { name: 'stranger', namespace: aNamespace() });
  const owner = await auth.authenticate(made.api_key);
  await t.throwsAsync(keys.revoke(await auth.authenticate(other.api_key), made.id), { code: 'not_found' });
  t.true(await auth.isValid(owner));
  await keys.revoke(owner, made.id);
  await t.throwsAsync(auth.authenticate(made.api_key), { code: 'unauthorized' });
  t.false(await auth.isValid(owner));
});

test('a key makes keys for its own namespace only, and lists only those', async (t) => {
  const { keys, auth } = await parts();
  const first = await keys.create(await admin(), { name: 'first', namespace: aNamespace() });
  const owner = await auth.authenticate(first.api_key);
  await t.throwsAsync(keys.create(owner, { name: 'x', namespace: aNamespace() }), { code: 'forbidden' });
  await t.throwsAsync(keys.list(owner, aNamespace()), { code: 'forbidden' });
  await keys.create(owner, { name: 'second' });
  t.deepEqual((await keys.list(owner)).map(({ name }) => name).sort(), ['first', 'second']);
});

test('another key of namespace default cannot revoke the admin key', async (t) => {
  const { keys, auth } = await parts();
  const boss = await admin();
  const made = await keys.create(boss, { name: 'plain' });
  const plain = await auth.authenticate(made.api_key);
  await t.throwsAsync(keys.revoke(plain, boss.keyId ?? ''), { code: 'not_found' });
  t.true(await auth.isValid(boss));
});

test('a key revoked in one process is refused in another within 2 s, without a word between them', async (t) => {
  const here = await parts();
  const there = await openAuth(directory);
  t.teardown(() => there.close());
  const made = await here.keys.create(await admin(), { name: 'far', namespace: aNamespace() });
  const principal = await there.auth.authenticate(made.api_key);
  await here.keys.revoke(principal, made.id);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await t.throwsAsync(there.auth.authenticate(made.api_key), { code: 'unauthorized' });
});
