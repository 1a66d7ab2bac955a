import test from 'ava';
import { aliasSchema } from '../../src/contract/alias.js';
import type { AuditAction } from '../../src/ports/store/audit.js';
import { triggerScope } from '../../src/ports/store/triggers.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { anEntry, ENOUGH } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';
import { aRollout, aVersion } from './store-records.js';

/**
 * What is added to a function after it was found, and before the write, another process may have
 * deleted it.
 */
export function testDeletedFunctions(driver: string, open: OpenStore): void {
  const get = shared(open);

  /** Resolves with a function of two versions that has been deleted. */
  const deleted = async () => {
    const { functions } = await get();
    const namespace = aNamespace();
    const fn = { namespace, function: aName('a') };
    for (let version = 1; version <= 2; version += 1) {
      await functions.addVersion(aVersion({ namespace, name: 'a' }), anEntry());
    }
    await functions.remove(namespace, fn.function, anEntry());
    return fn;
  };
  const live = aliasSchema.parse('live');
  const target = { alias: live, version: 1, weights: {}, updatedAt: Date.now() };

  test(`${driver}: nothing is added to a function that was deleted or never deployed`, async (t) => {
    const { triggers, aliases, rollouts, audit } = await get();
    for (const fn of [await deleted(), { namespace: aNamespace(), function: aName('a') }]) {
      const { namespace } = fn;
      const entry = (action: AuditAction) => anEntry({ namespace, action });
      t.is(await triggers.add(namespace, fn.function, { topic: 'a' }, entry('trigger.add'), 1), null);
      t.false(await aliases.put({ ...fn, ...target }, entry('alias.set')));
      const started = rollouts.start(
        aRollout(namespace),
        { before: null, after: { ...fn, ...target } },
        entry('rollout.start'),
      );
      t.is(await started, 'changed');
      t.deepEqual(await triggers.list(namespace), []);
      t.deepEqual(await aliases.list(namespace), []);
      t.is(await rollouts.get(namespace, fn.function), null);
      t.deepEqual((await audit.list({ namespace, limit: 10 })).items, []);
    }
  });

  test(`${driver}: the settings of a trigger are deleted with it, its function, or its line in function.yaml`, async (t) => {
    const { functions, triggers, settings } = await get();
    const namespace = aNamespace();
    const name = aName('a');
    const cron = (minute: number) => ({ cron: `${minute} 0 * * *` });
    await functions.addVersion(aVersion({ namespace, name: 'a', triggers: [cron(1), cron(2)] }), anEntry());
    for (const minute of [3, 4]) await triggers.add(namespace, name, cron(minute), anEntry(), ENOUGH);
    await functions.addVersion(aVersion({ namespace, name: 'b', triggers: [cron(5)] }), anEntry());
    const all = await triggers.list(namespace);
    const scopes = all.map(({ id }) => triggerScope(id));
    for (const scope of scopes) await settings.put(scope, 'last_run', 'x', null);
    const kept = async () => {
      const values = await Promise.all(scopes.map((scope) => settings.get(scope, 'last_run')));
      return all.filter((_, at) => values[at] !== null).map(({ spec }) => 'cron' in spec && spec.cron[0]);
    };
    t.deepEqual((await kept()).sort(), ['1', '2', '3', '4', '5']);
    const third = all.find(({ spec }) => 'cron' in spec && spec.cron.startsWith('3'));
    await triggers.remove(namespace, aName('b'), third?.id ?? '', anEntry());
    t.deepEqual((await kept()).sort(), ['1', '2', '3', '4', '5'], 'not of another function');
    await triggers.remove(namespace, name, third?.id ?? '', anEntry());
    t.deepEqual((await kept()).sort(), ['1', '2', '4', '5']);
    await functions.addVersion(aVersion({ namespace, name: 'a', triggers: [cron(2)] }), anEntry());
    t.deepEqual((await kept()).sort(), ['2', '4', '5']);
    await functions.remove(namespace, name, anEntry());
    t.deepEqual(await kept(), ['5']);
  });

  test(`${driver}: no alias or rollout has a version from before its function was deleted`, async (t) => {
    const { functions, aliases, rollouts } = await get();
    const fn = await deleted();
    await functions.addVersion(aVersion({ namespace: fn.namespace, name: 'a' }), anEntry());
    t.false(await aliases.put({ ...fn, ...target, version: 2 }, anEntry()));
    t.false(await aliases.put({ ...fn, ...target, version: 3, weights: { 2: 10 } }, anEntry()));
    t.is(
      await rollouts.start(
        { ...aRollout(fn.namespace), from: 2, to: 3 },
        { before: null, after: { ...fn, ...target } },
        anEntry(),
      ),
      'changed',
    );
    t.deepEqual(await aliases.list(fn.namespace), []);
    t.is(await rollouts.get(fn.namespace, fn.function), null);
    t.true(await aliases.put({ ...fn, ...target, version: 3 }, anEntry()));
  });

  test(`${driver}: of a trigger, an alias and a rollout that are added during a delete, none is left`, async (t) => {
    const [one, two] = [await get(), await open()];
    for (let round = 0; round < 20; round += 1) {
      const namespace = aNamespace();
      const fn = { namespace, function: aName('a') };
      for (let version = 1; version <= 2; version += 1) {
        await one.functions.addVersion(aVersion({ namespace, name: 'a' }), anEntry());
      }
      await Promise.all([
        one.triggers.add(namespace, fn.function, { topic: 'a' }, anEntry(), ENOUGH),
        two.functions.remove(namespace, fn.function, anEntry()),
        one.aliases.put({ ...fn, ...target, alias: aliasSchema.parse('beta') }, anEntry()),
        one.rollouts.start(aRollout(namespace), { before: null, after: { ...fn, ...target } }, anEntry()),
      ]);
      t.deepEqual(await one.triggers.list(namespace), []);
      t.deepEqual(await one.aliases.list(namespace), []);
      t.is(await one.rollouts.get(namespace, fn.function), null);
    }
    await two.close();
  });
}
