import test from 'ava';
import type { StoredKey } from '../../src/ports/store/keys.js';
import { uuidv7 } from '../../src/uuid.js';
import { aNamespace } from '../helpers/attempt.js';
import { anEntry } from '../helpers/audited.js';
import { aKey } from '../helpers/key.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

export function testKeys(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a key is found by its hash and id until it is revoked`, async (t) => {
    const { keys } = await get();
    const namespace = aNamespace();
    const asked = aKey({ namespace, isAdmin: true, scopes: ['read', 'keys'], functions: ['hook-*'] });
    const key = await keys.add({ ...asked, expiresAt: 1_890_000_000_123 }, null, null);
    t.like(key, { id: asked.id, isAdmin: true, scopes: ['read', 'keys'], functions: ['hook-*'] });
    t.like(key, { expires_at: new Date(1_890_000_000_123).toISOString(), last_used_at: null });
    t.deepEqual(await keys.byHash(asked.hash), key);
    t.deepEqual(await keys.get(asked.id), key);
    const second = await keys.add(aKey({ namespace }), null, null);
    const admins = (await keys.admins()).filter((admin) => admin.namespace === namespace);
    t.deepEqual(admins, [key] as StoredKey[]);
    t.deepEqual(await keys.list(namespace), [key, second] as StoredKey[]);
    await keys.touch(asked.id, 1_790_000_000_123);
    await keys.touch(asked.id, 1_780_000_000_000);
    t.is((await keys.get(asked.id))?.last_used_at, new Date(1_790_000_000_123).toISOString());
    t.true(await keys.revoke(asked.id, anEntry()));
    t.false(await keys.revoke(asked.id, anEntry()));
    t.is(await keys.byHash(asked.hash), null);
  });

  test(`${driver}: an admin key that was revoked is not added again, another key of its hash neither`, async (t) => {
    const { keys } = await get();
    const admin = aKey({ isAdmin: true });
    t.truthy(await keys.add(admin, null, null));
    await keys.revoke(admin.id, anEntry());
    t.is(await keys.add({ ...admin, id: uuidv7() }, null, null), null);
    t.is(await keys.byHash(admin.hash), null);
    const ordinary = aKey();
    await keys.add(ordinary, null, null);
    await keys.revoke(ordinary.id, anEntry());
    t.truthy(await keys.add({ ...ordinary, id: uuidv7() }, null, null));
  });

  test(`${driver}: expired keys do not count towards the quota, and are swept after their time`, async (t) => {
    const { keys, quotas } = await get();
    const namespace = aNamespace();
    const now = Date.now();
    const old = await keys.add(aKey({ namespace, expiresAt: now - 2000 }), null, 1);
    const recent = await keys.add(aKey({ namespace, expiresAt: now - 1000 }), null, 1);
    t.is((await quotas.use(namespace)).keys, 0);
    const valid = await keys.add(aKey({ namespace, expiresAt: now + 600_000 }), null, 1);
    const endless = aKey({ namespace });
    await t.throwsAsync(keys.add(endless, null, 1), { code: 'quota_exceeded' });
    await keys.add(endless, null, 2);
    t.is((await quotas.use(namespace)).keys, 2);
    while ((await keys.sweep(now - 1500)) > 0);
    t.is(await keys.get(old?.id ?? ''), null);
    const left = (await keys.list(namespace)).map(({ id }) => id);
    t.deepEqual(left, [recent?.id, valid?.id, endless.id].sort() as string[]);
  });

  test(`${driver}: revoking a key revokes all keys created with it, directly or indirectly`, async (t) => {
    const { keys } = await get();
    const made: string[] = [];
    for (let generation = 0; generation < 4; generation += 1) {
      const maker = made.at(-1);
      const key = await keys.add(
        aKey({ maker: maker === undefined ? null : { kind: 'key', id: maker } }),
        null,
        null,
      );
      made.push(key?.id ?? 'none');
    }
    const [first = '', second = '', ...later] = made;
    const sibling = await keys.add(aKey({ maker: { kind: 'key', id: first } }), null, null);
    t.not(sibling, null);
    t.true(await keys.revoke(second, anEntry()));
    t.is((await keys.get(first))?.id, first);
    t.deepEqual(await keys.get(sibling?.id ?? ''), sibling);
    for (const id of later) t.is(await keys.get(id), null);
    t.is(
      await keys.add(aKey({ maker: { kind: 'key', id: second } }), null, null),
      null,
      'a revoked key cannot create keys',
    );
    const ended = await keys.add(aKey({ expiresAt: Date.now() - 1 }), null, null);
    t.is(
      await keys.add(aKey({ maker: { kind: 'key', id: ended?.id ?? '' } }), null, null),
      null,
      'an expired key cannot create keys',
    );
  });

  test(`${driver}: ending a session revokes all keys created with it, directly or indirectly`, async (t) => {
    const { keys, sessions } = await get();
    const [session, other] = [uuidv7(), uuidv7()];
    const first = await keys.add(aKey({ maker: { kind: 'session', id: session } }), null, null);
    const second = await keys.add(aKey({ maker: { kind: 'key', id: first?.id ?? '' } }), null, null);
    const kept = await keys.add(aKey({ maker: { kind: 'session', id: other } }), null, null);
    await sessions.revokeSession(session);
    t.is(await keys.get(first?.id ?? ''), null);
    t.is(await keys.get(second?.id ?? ''), null);
    t.not(kept, null);
    t.deepEqual(await keys.get(kept?.id ?? ''), kept);
    t.is(await keys.add(aKey({ maker: { kind: 'session', id: session } }), null, null), null);

    const token = { hash: uuidv7(), session: other, subject: 'w', namespace: aNamespace() };
    await sessions.addRefresh({ ...token, expiresAt: Date.now() + 60_000 });
    await sessions.useRefresh(token.hash);
    t.deepEqual(await keys.get(kept?.id ?? ''), kept);
    await sessions.useRefresh(token.hash);
    t.is(await keys.get(kept?.id ?? ''), null, 'using a refresh token twice ends its login');
  });
}
