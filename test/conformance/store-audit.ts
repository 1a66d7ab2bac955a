import test from 'ava';
import type { AuditAction, AuditEntry, AuditQuery } from '../../src/ports/store/audit.js';
import { uuidv7 } from '../../src/uuid.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { aKey } from '../helpers/key.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';
import { aVersion } from './store-records.js';

export function testAudit(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: an audit event is stored only if its change is made`, async (t) => {
    const { audit, functions, keys, secrets, triggers, settings } = await get();
    const namespace = aNamespace();
    await functions.addVersion(aVersion({ namespace, name: 'f' }));
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
    const sealed = { name: 'A', sealed: Uint8Array.of(1), keyId: 'k' };
    const key = aKey({ namespace });
    await secrets.put(namespace, sealed, entry('secret.set', 'A'));
    t.false(await secrets.remove(namespace, 'B', entry('secret.delete', 'B')));
    t.true(await secrets.remove(namespace, 'A', entry('secret.delete', 'A')));
    await keys.add(key, entry('key.create', key.id));
    await keys.add(aKey({ maker: { kind: 'key', id: 'gone' } }), entry('key.create', 'none'));
    t.false(await keys.revoke('gone', entry('key.revoke', 'gone')));
    t.true(await keys.revoke(key.id, entry('key.revoke', key.id)));
    const trigger = await triggers.add(namespace, aName('f'), { topic: 'a' }, entry('trigger.add', 'f'));
    if (trigger === null) return t.fail();
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
}
