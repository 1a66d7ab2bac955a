import test from 'ava';
import type { AuditAction, AuditEntry, AuditQuery } from '../../src/ports/store/audit.js';
import type { IdempotencyClaim } from '../../src/ports/store/idempotency.js';
import type { NewKey, StoredKey } from '../../src/ports/store/keys.js';
import { uuidv7 } from '../../src/uuid.js';
import { aName, aNamespace, aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './store.js';

const bytes = (...values: number[]) => Uint8Array.from(values);

const aRefreshToken = () => ({
  hash: uuidv7(),
  family: uuidv7(),
  wallet: 'w',
  namespace: aNamespace(),
  expiresAt: Date.now() + 60_000,
});

export function testRecords(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a secret is read back with its bytes, and an update keeps its creation time`, async (t) => {
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

  test(`${driver}: reseal replaces a secret only if it has not changed since it was read`, async (t) => {
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

  const aKey = (given: Partial<NewKey> = {}): NewKey => ({
    id: uuidv7(),
    namespace: aNamespace(),
    name: 'ci',
    hash: uuidv7(),
    isAdmin: false,
    scopes: ['*'],
    functions: null,
    expiresAt: null,
    createdBy: 'somebody',
    maker: null,
    ...given,
  });

  test(`${driver}: a key is found by its hash and id until it is revoked`, async (t) => {
    const { keys } = await get();
    const namespace = aNamespace();
    const asked = aKey({ namespace, isAdmin: true, scopes: ['read', 'keys'], functions: ['hook-*'] });
    const key = await keys.add({ ...asked, expiresAt: 1_890_000_000_123 });
    t.like(key, { id: asked.id, isAdmin: true, scopes: ['read', 'keys'], functions: ['hook-*'] });
    t.like(key, { expires_at: new Date(1_890_000_000_123).toISOString(), last_used_at: null });
    t.deepEqual(await keys.byHash(asked.hash), key);
    t.deepEqual(await keys.get(asked.id), key);
    const second = await keys.add(aKey({ namespace }));
    t.deepEqual(await keys.list(namespace), [key, second] as StoredKey[]);
    await keys.touch(asked.id, 1_790_000_000_123);
    await keys.touch(asked.id, 1_780_000_000_000);
    t.is((await keys.get(asked.id))?.last_used_at, new Date(1_790_000_000_123).toISOString());
    t.true(await keys.revoke(asked.id));
    t.false(await keys.revoke(asked.id));
    t.is(await keys.byHash(asked.hash), null);
  });

  test(`${driver}: revoking a key revokes all keys created with it, directly or indirectly`, async (t) => {
    const { keys } = await get();
    const made: string[] = [];
    for (let generation = 0; generation < 4; generation += 1) {
      const maker = made.at(-1);
      const key = await keys.add(aKey({ maker: maker === undefined ? null : { kind: 'key', id: maker } }));
      made.push(key?.id ?? 'none');
    }
    const [first = '', second = '', ...later] = made;
    const sibling = await keys.add(aKey({ maker: { kind: 'key', id: first } }));
    t.true(await keys.revoke(second));
    t.truthy(await keys.get(first));
    t.truthy(await keys.get(sibling?.id ?? ''));
    for (const id of later) t.is(await keys.get(id), null);
    t.is(
      await keys.add(aKey({ maker: { kind: 'key', id: second } })),
      null,
      'a revoked key cannot create keys',
    );
    const ended = await keys.add(aKey({ expiresAt: Date.now() - 1 }));
    t.is(
      await keys.add(aKey({ maker: { kind: 'key', id: ended?.id ?? '' } })),
      null,
      'an expired key cannot create keys',
    );
  });

  test(`${driver}: ending a login revokes all keys created with it, directly or indirectly`, async (t) => {
    const { keys, sessions } = await get();
    const [family, other] = [uuidv7(), uuidv7()];
    const first = await keys.add(aKey({ maker: { kind: 'session', family } }));
    const second = await keys.add(aKey({ maker: { kind: 'key', id: first?.id ?? '' } }));
    const kept = await keys.add(aKey({ maker: { kind: 'session', family: other } }));
    await sessions.revokeFamily(family);
    t.is(await keys.get(first?.id ?? ''), null);
    t.is(await keys.get(second?.id ?? ''), null);
    t.truthy(await keys.get(kept?.id ?? ''));
    t.is(await keys.add(aKey({ maker: { kind: 'session', family } })), null);

    const token = { hash: uuidv7(), family: other, wallet: 'w', namespace: aNamespace() };
    await sessions.addRefresh({ ...token, expiresAt: Date.now() + 60_000 });
    await sessions.useRefresh(token.hash);
    t.truthy(await keys.get(kept?.id ?? ''));
    await sessions.useRefresh(token.hash);
    t.is(await keys.get(kept?.id ?? ''), null, 'using a refresh token twice ends its login');
  });

  test(`${driver}: an audit event is stored only if its change is made`, async (t) => {
    const { audit, keys, secrets, triggers, settings } = await get();
    const namespace = aNamespace();
    const entry = (action: AuditAction, target: string, at = Date.now()): AuditEntry => ({
      id: uuidv7(),
      namespace,
      at,
      actor: 'key:1',
      actorName: 'ci',
      action,
      target,
      targetName: action.startsWith('key.') ? `named ${target}` : null,
      requestId: 'r-1',
    });
    const sealed = { name: 'A', sealed: bytes(1), keyId: 'k' };
    const key = aKey({ namespace });
    await secrets.put(namespace, sealed, entry('secret.set', 'A'));
    t.false(await secrets.remove(namespace, 'B', entry('secret.delete', 'B')));
    t.true(await secrets.remove(namespace, 'A', entry('secret.delete', 'A')));
    await keys.add(key, entry('key.create', key.id));
    await keys.add(aKey({ maker: { kind: 'key', id: 'gone' } }), entry('key.create', 'none'));
    t.false(await keys.revoke('gone', entry('key.revoke', 'gone')));
    t.true(await keys.revoke(key.id, entry('key.revoke', key.id)));
    const trigger = await triggers.add(namespace, aName('f'), { topic: 'a' }, entry('trigger.add', 'f'));
    t.false(await triggers.remove(namespace, aName('g'), trigger.id, entry('trigger.delete', 'g')));
    t.true(await triggers.remove(namespace, aName('f'), trigger.id, entry('trigger.delete', 'f')));
    await settings.put('callback-secret', namespace, 'x', entry('callback_secret.renew', 'x'));
    const { items } = await audit.list({ namespace, limit: 100 });
    t.deepEqual(items.map(({ action, target }) => `${action} ${target}`).reverse(), [
      'secret.set A',
      'secret.delete A',
      `key.create ${key.id}`,
      `key.revoke ${key.id}`,
      'trigger.add f',
      'trigger.delete f',
      'callback_secret.renew x',
    ]);
    t.like(items[0], { actor: 'key:1', actor_name: 'ci', request_id: 'r-1' });
    t.deepEqual(
      items.flatMap(({ target_name }) => target_name ?? []),
      [`named ${key.id}`, `named ${key.id}`],
    );
  });

  test(`${driver}: audit events are listed in pages, filtered by actor and time, and swept by age`, async (t) => {
    const { audit } = await get();
    const namespace = aNamespace();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const id = uuidv7();
      ids.push(id);
      const who = n % 2 === 0 ? 'even' : 'odd';
      const actor = { actor: who, actorName: null, targetName: null };
      const entry = { id, namespace, at: 1_000_000 + n, ...actor, action: 'secret.set' as const };
      await audit.record({ ...entry, target: String(n), requestId: 'r' });
      await audit.record({ ...entry, target: 'again', requestId: 'r' });
    }
    const targets = async (query: Partial<AuditQuery>) => {
      const { items, nextCursor } = await audit.list({ namespace, limit: 100, ...query });
      return { targets: items.map(({ target }) => target).join(), nextCursor };
    };
    t.deepEqual(await targets({}), { targets: '4,3,2,1,0', nextCursor: null });
    const page = await targets({ limit: 2 });
    t.deepEqual(page, { targets: '4,3', nextCursor: ids[3] ?? '' });
    t.is((await targets({ cursor: page.nextCursor ?? '' })).targets, '2,1,0');
    t.is((await targets({ actor: 'odd' })).targets, '3,1');
    t.is((await targets({ since: 1_000_003 })).targets, '4,3');
    t.is((await audit.list({ namespace: aNamespace(), limit: 10 })).items.length, 0);
    await t.throwsAsync(audit.list({ namespace, limit: 1, cursor: "x'" }), { code: 'invalid_request' });
    while ((await audit.sweep(1_000_002)) > 0);
    t.is((await targets({})).targets, '4,3,2');
  });

  test(`${driver}: concurrent claims of an Idempotency-Key all return the same claim`, async (t) => {
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
    t.deepEqual(await one.idempotency.claim(claim()), first, 'releasing another claim has no effect');
    if (first !== undefined) await one.idempotency.release(first);
    const next = claim();
    t.deepEqual(await one.idempotency.claim(next), next);
    await two.close();
  });

  test(`${driver}: an expired Idempotency-Key can be claimed again`, async (t) => {
    const { idempotency } = await get();
    const base = { namespace: aNamespace(), function: aName('hello'), key: 'k', bodyHash: 'h', version: 1 };
    const old = { ...base, requestId: aRequestId(), expiresAt: Date.now() + 30 };
    t.deepEqual(await idempotency.claim(old), old);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const next = { ...base, requestId: aRequestId(), expiresAt: Date.now() + 60_000 };
    t.deepEqual(await idempotency.claim(next), next);
  });

  test(`${driver}: a blob has one owner row, with its own name, for each namespace that stored it`, async (t) => {
    const { blobOwners } = await get();
    const [a, b, cid] = [aNamespace(), aNamespace(), uuidv7()];
    await blobOwners.add(a, { cid, name: 'first', size: 5 });
    await blobOwners.add(a, { cid, name: 'again', size: 5 });
    await blobOwners.add(a, { cid, name: '', size: 5 });
    await blobOwners.add(b, { cid, name: '', size: 5 });
    t.is((await blobOwners.get(a, cid))?.name, 'again');
    const owner = await blobOwners.get(a, cid);
    t.is(owner?.size, 5);
    t.is(await blobOwners.get(aNamespace(), cid), null);
    await blobOwners.rename(a, cid, 'anew');
    t.is((await blobOwners.get(a, cid))?.name, 'anew');
    t.is((await blobOwners.get(b, cid))?.name, '');
    t.true(await blobOwners.remove(a, cid));
    t.false(await blobOwners.remove(a, cid));
    t.true(await blobOwners.remove(b, cid));
  });

  test(`${driver}: a blob can be marked for deletion by one caller, and only when no namespace owns it`, async (t) => {
    const { blobOwners } = await get();
    const [a, cid] = [aNamespace(), uuidv7()];
    await blobOwners.add(a, { cid, name: '', size: 5 });
    t.is(await blobOwners.markForDeletion(cid), null);
    t.false(await blobOwners.isPendingDeletion(cid));
    await blobOwners.remove(a, cid);
    const tokens = await Promise.all([1, 2, 3].map(() => blobOwners.markForDeletion(cid)));
    const [token, ...others] = tokens.filter((one) => one !== null);
    t.deepEqual(others, []);
    t.true(await blobOwners.isPendingDeletion(cid));
    await blobOwners.unmark(cid, 'of another');
    t.true(await blobOwners.isPendingDeletion(cid));
    await blobOwners.unmark(cid, token ?? '');
    t.false(await blobOwners.isPendingDeletion(cid));
  });

  test(`${driver}: a nonce can be used once, by its own wallet and before it expires`, async (t) => {
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

  test(`${driver}: using a refresh token twice revokes its family`, async (t) => {
    const { sessions } = await get();
    const since = Date.now();
    const token = aRefreshToken();
    await sessions.addRefresh(token);
    await sessions.addRefresh({ ...token, hash: uuidv7(), family: 'of another wallet', wallet: 'x' });
    t.deepEqual(await sessions.families('w', token.namespace), [token.family]);
    t.deepEqual(await sessions.families('w', aNamespace()), []);
    t.deepEqual(await sessions.useRefresh(token.hash), { token, used: false });
    t.false((await sessions.revokedFamilies(since)).includes(token.family));
    const next = { ...token, hash: uuidv7() };
    await sessions.addRefresh(next);
    t.deepEqual(await sessions.useRefresh(token.hash), { token, used: true });
    t.true((await sessions.revokedFamilies(since)).includes(token.family));
    t.deepEqual(await sessions.useRefresh(next.hash), { token: next, used: true });
    t.is(await sessions.useRefresh('absent'), null);
  });

  test(`${driver}: refresh tokens of a revoked family count as used, and expired ones are null`, async (t) => {
    const { sessions } = await get();
    const token = aRefreshToken();
    await sessions.addRefresh(token);
    await sessions.revokeFamily(token.family);
    await sessions.revokeFamily(token.family);
    t.true((await sessions.useRefresh(token.hash))?.used);
    const late = { ...token, hash: uuidv7(), family: uuidv7(), expiresAt: Date.now() - 1 };
    await sessions.addRefresh(late);
    t.is(await sessions.useRefresh(late.hash), null);
  });

  test(`${driver}: a namespace belongs to the first wallet that claims it`, async (t) => {
    const { sessions } = await get();
    const namespace = aNamespace();
    t.is(await sessions.namespaceOwner(namespace), null);
    const owners = await Promise.all(['w1', 'w2', 'w3'].map((w) => sessions.claimNamespace(namespace, w)));
    t.is(new Set(owners).size, 1);
    t.is(await sessions.namespaceOwner(namespace), owners[0] ?? '');
    t.is(await sessions.claimNamespace(namespace, 'late'), owners[0] ?? '');
  });

  test(`${driver}: put stores a setting, and putIfAbsent keeps an existing value`, async (t) => {
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

  test(`${driver}: closing a store twice has no effect, and reads after close fail`, async (t) => {
    const store = await open();
    await store.ping();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    await t.throwsAsync(store.settings.get('a', 'b'), { name: 'AppError' });
  });
}
