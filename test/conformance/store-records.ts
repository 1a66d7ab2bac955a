import test from 'ava';
import type { IdempotencyClaim } from '../../src/ports/store.js';
import { uuidv7 } from '../../src/uuid.js';
import { aName, aNamespace, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './store.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

export function testRecords(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a secret keeps its bytes and its creation time`, async (t) => {
    const { secrets } = await get();
    const namespace = aNamespace();
    const sealed = Uint8Array.from({ length: 256 }, (_, at) => at);
    await secrets.put(namespace, { name: 'KEY', sealed, keyId: 'k1' });
    const read = await secrets.get(namespace, 'KEY');
    t.deepEqual([...(read?.sealed ?? [])], [...sealed]);
    t.is(read?.keyId, 'k1');
    const [before] = await secrets.list(namespace);
    await secrets.put(namespace, { name: 'KEY', sealed: bytes(1), keyId: 'k2' });
    const [after] = await secrets.list(namespace);
    t.is(after?.created_at, before?.created_at);
    t.deepEqual(Object.keys(after ?? {}).sort(), ['created_at', 'name', 'updated_at']);
    t.is(await secrets.get(aNamespace(), 'KEY'), null);
    t.true(await secrets.remove(namespace, 'KEY'));
    t.false(await secrets.remove(namespace, 'KEY'));
  });

  test(`${driver}: a secret is sealed anew only if nobody changed it meanwhile`, async (t) => {
    const { secrets } = await get();
    const namespace = aNamespace();
    const old = { name: 'A', sealed: bytes(1, 0, 255), keyId: 'old' };
    await secrets.put(namespace, old);
    await secrets.put(namespace, { name: 'B', sealed: bytes(2), keyId: 'new' });
    const found = (await secrets.notSealedWith('new', 1000)).filter((one) => one.namespace === namespace);
    t.deepEqual(
      found.map(({ name }) => name),
      ['A'],
    );
    t.true(await secrets.reseal(namespace, old, { name: 'A', sealed: bytes(9), keyId: 'new' }));
    t.false(await secrets.reseal(namespace, old, { name: 'A', sealed: bytes(8), keyId: 'new' }));
    t.deepEqual([...((await secrets.get(namespace, 'A'))?.sealed ?? [])], [9]);
  });

  test(`${driver}: a key is found by its hash until it is revoked`, async (t) => {
    const { keys } = await get();
    const namespace = aNamespace();
    const hash = uuidv7();
    const key = await keys.add({ namespace, name: 'ci', hash, isAdmin: true });
    t.is(key.last_used_at, null);
    t.true(key.isAdmin);
    t.deepEqual(await keys.byHash(hash), key);
    t.deepEqual(await keys.get(key.id), key);
    const second = await keys.add({ namespace, name: 'two', hash: uuidv7(), isAdmin: false });
    t.deepEqual(await keys.list(namespace), [key, second]);
    await keys.touch(key.id, 1_790_000_000_123);
    await keys.touch(key.id, 1_780_000_000_000);
    t.is((await keys.get(key.id))?.last_used_at, new Date(1_790_000_000_123).toISOString());
    t.true(await keys.revoke(key.id));
    t.false(await keys.revoke(key.id));
    t.is(await keys.byHash(hash), null);
  });

  test(`${driver}: of many claims on one Idempotency-Key at once, one holds it`, async (t) => {
    const [one, two] = [await get(), await open()];
    const namespace = aNamespace();
    const claim = (): IdempotencyClaim => ({
      namespace,
      function: aName('hello'),
      key: "x'4142'",
      bodyHash: uuidv7(),
      requestId: aRequestId(),
      version: 3,
      expiresAt: Date.now() + 60_000,
    });
    const held = await Promise.all(
      Array.from({ length: 10 }, (_, at) => (at % 2 ? one : two).idempotency.claim(claim())),
    );
    const [first] = held;
    t.truthy(first);
    for (const each of held) t.deepEqual(each, first);
    await one.idempotency.release(claim());
    t.deepEqual(await one.idempotency.claim(claim()), first, 'another’s release changes nothing');
    if (first !== undefined) await one.idempotency.release(first);
    const next = claim();
    t.deepEqual(await one.idempotency.claim(next), next);
    await two.close();
  });

  test(`${driver}: an expired Idempotency-Key is free again`, async (t) => {
    const { idempotency } = await get();
    const base = { namespace: aNamespace(), function: aName('hello'), key: 'k', bodyHash: 'h', version: 1 };
    const old = { ...base, requestId: aRequestId(), expiresAt: Date.now() + 30 };
    t.deepEqual(await idempotency.claim(old), old);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const next = { ...base, requestId: aRequestId(), expiresAt: Date.now() + 60_000 };
    t.deepEqual(await idempotency.claim(next), next);
  });

  test(`${driver}: a blob belongs to each namespace that has put it`, async (t) => {
    const { blobOwners } = await get();
    const [a, b, cid] = [aNamespace(), aNamespace(), uuidv7()];
    await blobOwners.add(a, { cid, name: 'first', size: 5 });
    await blobOwners.add(a, { cid, name: 'again', size: 5 });
    await blobOwners.add(b, { cid, name: '', size: 5 });
    const owner = await blobOwners.get(a, cid);
    t.is(owner?.size, 5);
    t.is(await blobOwners.get(aNamespace(), cid), null);
    t.true(await blobOwners.remove(a, cid));
    t.false(await blobOwners.remove(a, cid));
    t.true(await blobOwners.remove(b, cid));
  });

  test(`${driver}: a blob is condemned by one at a time, and only when nobody refers to it`, async (t) => {
    const { blobOwners } = await get();
    const [a, cid] = [aNamespace(), uuidv7()];
    await blobOwners.add(a, { cid, name: '', size: 5 });
    t.is(await blobOwners.condemn(cid), null);
    t.false(await blobOwners.isCondemned(cid));
    await blobOwners.remove(a, cid);
    const tokens = await Promise.all([1, 2, 3].map(() => blobOwners.condemn(cid)));
    const [token, ...others] = tokens.filter((one) => one !== null);
    t.deepEqual(others, []);
    t.true(await blobOwners.isCondemned(cid));
    await blobOwners.acquit(cid, 'of another');
    t.true(await blobOwners.isCondemned(cid));
    await blobOwners.acquit(cid, token ?? '');
    t.false(await blobOwners.isCondemned(cid));
  });

  test(`${driver}: a nonce is used once, by its wallet, in time`, async (t) => {
    const { sessions } = await get();
    const nonce = {
      wallet: '0xabc',
      namespace: aNamespace(),
      nonce: uuidv7(),
      purpose: 'login',
      expiresAt: Date.now() + 60_000,
    };
    await sessions.addNonce(nonce);
    t.is(await sessions.takeNonce(nonce.nonce, '0xother'), null);
    const taken = await Promise.all([1, 2, 3].map(() => sessions.takeNonce(nonce.nonce, nonce.wallet)));
    t.deepEqual(
      taken.filter((one) => one !== null),
      [nonce],
    );
    const late = { ...nonce, nonce: uuidv7(), expiresAt: Date.now() - 1 };
    await sessions.addNonce(late);
    t.is(await sessions.takeNonce(late.nonce, late.wallet), null);
  });

  test(`${driver}: a refresh token used twice revokes its whole family`, async (t) => {
    const { sessions } = await get();
    const since = Date.now();
    const token = {
      hash: uuidv7(),
      family: uuidv7(),
      wallet: 'w',
      namespace: aNamespace(),
      expiresAt: Date.now() + 60_000,
    };
    await sessions.addRefresh(token);
    t.deepEqual(await sessions.useRefresh(token.hash), { token, used: false });
    t.false((await sessions.revokedFamilies(since)).includes(token.family));
    const next = { ...token, hash: uuidv7() };
    await sessions.addRefresh(next);
    t.deepEqual(await sessions.useRefresh(token.hash), { token, used: true });
    t.true((await sessions.revokedFamilies(since)).includes(token.family));
    t.deepEqual(await sessions.useRefresh(next.hash), { token: next, used: true });
    t.is(await sessions.useRefresh('absent'), null);
  });

  test(`${driver}: tokens of a login that was ended, or past their time, count no longer`, async (t) => {
    const { sessions } = await get();
    const token = {
      hash: uuidv7(),
      family: uuidv7(),
      wallet: 'w',
      namespace: aNamespace(),
      expiresAt: Date.now() + 60_000,
    };
    await sessions.addRefresh(token);
    await sessions.revokeFamily(token.family);
    await sessions.revokeFamily(token.family);
    t.true((await sessions.useRefresh(token.hash))?.used);
    const late = { ...token, hash: uuidv7(), family: uuidv7(), expiresAt: Date.now() - 1 };
    await sessions.addRefresh(late);
    t.is(await sessions.useRefresh(late.hash), null);
  });

  test(`${driver}: a namespace belongs to the wallet that first claims it`, async (t) => {
    const { sessions } = await get();
    const namespace = aNamespace();
    t.is(await sessions.namespaceOwner(namespace), null);
    const owners = await Promise.all(['w1', 'w2', 'w3'].map((w) => sessions.claimNamespace(namespace, w)));
    t.is(new Set(owners).size, 1);
    t.is(await sessions.namespaceOwner(namespace), owners[0] ?? '');
    t.is(await sessions.claimNamespace(namespace, 'late'), owners[0] ?? '');
  });

  test(`${driver}: a setting is put, and put only if absent`, async (t) => {
    const { settings } = await get();
    const scope = uuidv7();
    t.is(await settings.get(scope, 'a'), null);
    t.is(await settings.putIfAbsent(scope, 'a', '1'), '1');
    t.is(await settings.putIfAbsent(scope, 'a', '2'), '1');
    await settings.put(scope, 'a', 'x\'41\' "é" 12345678901234567890');
    await settings.put(scope, 'b', '');
    t.is(await settings.get(scope, 'a'), 'x\'41\' "é" 12345678901234567890');
    t.is(await settings.get(scope, 'b'), '');
  });

  test(`${driver}: closing twice does no harm`, async (t) => {
    const store = await open();
    await store.ping();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await t.throwsAsync(store.settings.get('a', 'b'), { name: 'AppError' });
  });
}
