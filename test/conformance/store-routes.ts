import test from 'ava';
import { aliasSchema } from '../../src/contract/alias.js';
import { recordOf } from '../../src/core/functions/functions.js';
import type { StoredAlias } from '../../src/ports/store/aliases.js';
import { aName, aNamespace } from '../helpers/attempt.js';
import { anEntry } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';
import { aRollout, aVersion } from './store-records.js';

export function testRoutes(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: one of two concurrent deploys with the same route fails with conflict and stores nothing`, async (t) => {
    const [one, two] = [await get(), await open()];
    for (let round = 0; round < 8; round += 1) {
      const namespace = aNamespace();
      const deploys = [
        one.functions.addVersion(
          aVersion({ namespace, name: 'a', routes: ['GET /x', 'GET /users/{id}'] }),
          anEntry(),
        ),
        two.functions.addVersion(
          aVersion({ namespace, name: 'b', routes: ['GET /users/{name}', 'GET /y'] }),
          anEntry(),
        ),
      ];
      const ends = await Promise.allSettled(deploys);
      const [won, ...others] = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
      const refusals = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      t.deepEqual(others, [], 'one of them serves the route');
      t.is(refusals[0]?.code, 'conflict');
      t.regex(refusals[0]?.message, new RegExp(`"GET /users/.*taken by function "${won?.name}"`));
      t.deepEqual(await one.functions.list(namespace), won && [recordOf(won)]);
    }
    await two.close();
  });

  test(`${driver}: a route can be used again after its function is redeployed without it or removed`, async (t) => {
    const { functions } = await get();
    const namespace = aNamespace();
    const deploy = (name: string, routes: string[]) =>
      functions.addVersion(aVersion({ namespace, name, routes }), anEntry());
    await deploy('a', ['GET /x', 'GET /y']);
    await deploy('a', ['GET /x', 'POST /y']);
    await deploy('b', ['GET /y']);
    await t.throwsAsync(deploy('c', ['GET /x']), { code: 'conflict' });
    await functions.addVersion(aVersion({ name: 'c', routes: ['GET /x'] }), anEntry());
    await functions.remove(namespace, aName('a'), anEntry());
    t.is((await deploy('c', ['GET /x'])).version, 1);
  });

  test(`${driver}: the routes of a namespace are limited, whichever way they become live`, async (t) => {
    const { functions, aliases } = await get();
    const namespace = aNamespace();
    const deploy = (name: string, count: number) => {
      const routes = Array.from({ length: count }, (_, index) => `GET /${name}${index}/`.padEnd(500, 'x'));
      return functions.addVersion(aVersion({ namespace, name, routes }), anEntry());
    };
    const refused = { code: 'conflict', message: /would have 13\d{4} characters together; at most 131072/ };
    await deploy('a', 100);
    await deploy('b', 100);
    await t.throwsAsync(deploy('c', 70), refused);
    await deploy('c', 60);
    await deploy('a', 0);
    await deploy('d', 100);
    const live: StoredAlias = {
      ...{ namespace, function: aName('a'), alias: aliasSchema.parse('live'), version: 1, weights: {} },
      updatedAt: Date.now(),
    };
    await t.throwsAsync(aliases.put(live, anEntry()), { code: 'conflict', message: /at most 131072/ });
    t.is((await deploy('a', 1)).version, 3);
    t.is((await deploy('e', 0)).version, 1, 'without routes');
  });

  test(`${driver}: the stamp of a namespace changes with its functions and aliases, and not otherwise`, async (t) => {
    const { functions, aliases } = await get();
    const namespace = aNamespace();
    const seen = new Set<string>();
    const changed = async (what: string, change: () => Promise<unknown>) => {
      await change();
      const stamp = await functions.stamp(namespace);
      t.is(await functions.stamp(namespace), stamp);
      t.false(seen.has(stamp), what);
      seen.add(stamp);
    };
    const deploy = (name: string) => functions.addVersion(aVersion({ namespace, name }), anEntry());
    const live = (version: number, updatedAt: number): StoredAlias => ({
      ...{
        namespace,
        function: aName('a'),
        alias: aliasSchema.parse('live'),
        version,
        weights: {},
        updatedAt,
      },
    });
    await changed('nothing', async () => undefined);
    await changed('a', () => deploy('a'));
    await changed('a again', () => deploy('a'));
    await changed('live', () => aliases.put(live(1, 1000), anEntry()));
    await changed('live moved', () => aliases.put(live(2, 1001), anEntry()));
    await changed('removed', () => functions.remove(namespace, aName('a'), anEntry()));
    await changed('a third time', () => deploy('a'));
    await functions.addVersion(aVersion({ name: 'other' }), anEntry());
    t.true(seen.has(await functions.stamp(namespace)), 'another namespace');
  });

  test(`${driver}: a function keeps the routes of every version that can be live, and of no other`, async (t) => {
    const { functions, aliases, rollouts } = await get();
    const namespace = aNamespace();
    const deploy = (name: string, routes: string[]) =>
      functions.addVersion(aVersion({ namespace, name, routes }), anEntry());
    const live = (version: number, weights: Record<string, number> = {}): StoredAlias => ({
      ...{ namespace, function: aName('a'), alias: aliasSchema.parse('live'), version, weights },
      updatedAt: Date.now(),
    });
    const refused = (work: Promise<unknown>, owner: string) =>
      t.throwsAsync(work, { code: 'conflict', message: new RegExp(`is taken by function "${owner}"`) });
    await deploy('a', ['GET /', 'GET /x/{id}', 'GET /f/{path...}']);
    await deploy('a', ['GET /y']);
    await aliases.put(live(1), anEntry());
    await deploy('a', []);
    await refused(deploy('b', ['GET /']), 'a');
    await refused(deploy('b', ['GET /x/{other}']), 'a');
    await refused(deploy('b', ['GET /f/{rest...}']), 'a');
    await deploy('b', ['GET /y', 'GET /x', 'POST /x/{id}', 'GET /f/{path}']);
    await refused(aliases.put(live(2), anEntry()), 'b');
    await refused(aliases.put(live(1, { 2: 10 }), anEntry()), 'b');
    t.deepEqual(
      (await aliases.list(namespace)).map(({ version, weights }) => [version, weights]),
      [[1, {}]],
    );

    await aliases.put(live(3), anEntry());
    await deploy('c', ['GET /']);
    await refused(aliases.put(live(1), anEntry()), 'c');
    const rollout = { ...aRollout(namespace), to: 2, from: 3 };
    await refused(rollouts.start(rollout, { before: live(3), after: live(3, { 2: 10 }) }, anEntry()), 'b');
    t.is(await rollouts.get(namespace, aName('a')), null);
    await deploy('b', []);
    t.is(await rollouts.start(rollout, { before: live(3), after: live(2) }, anEntry()), 'started');
    await refused(deploy('b', ['GET /y']), 'a');
    const started = await rollouts.get(namespace, aName('a'));
    t.true(
      started !== null && (await rollouts.move(started, { ...rollout, state: 'aborted' }, live(3), null)),
    );
    await deploy('b', ['GET /y']);
    await aliases.remove(namespace, aName('a'), aliasSchema.parse('live'), anEntry());
    await refused(deploy('d', ['GET /']), 'c');
  });

  test(`${driver}: of a rollout and a change of live at the same time, the later one finds the first`, async (t) => {
    const { functions, aliases, rollouts, audit } = await get();
    const namespace = aNamespace();
    for (let version = 1; version <= 3; version += 1)
      await functions.addVersion(aVersion({ namespace, name: 'a' }), anEntry());
    const live = (version: number, weights: Record<string, number> = {}): StoredAlias => ({
      ...{ namespace, function: aName('a'), alias: aliasSchema.parse('live'), version, weights },
      updatedAt: Date.now(),
    });
    const [alias, fn] = [aliasSchema.parse('live'), aName('a')];
    const rollout = { ...aRollout(namespace), from: 1, to: 2 };
    const started = (before: StoredAlias | null) =>
      rollouts.start(rollout, { before, after: live(1, { 2: 10 }) }, anEntry({ namespace }));
    const entries = async () => (await audit.list({ namespace, limit: 100 })).items.length;
    const targets = async () => (await aliases.list(namespace)).map((each) => [each.version, each.weights]);
    t.is(await started(live(1)), 'changed', 'it does not exist');
    await aliases.put(live(1, { 3: 10 }), anEntry());
    for (const before of [null, live(1), live(2, { 3: 10 })]) t.is(await started(before), 'changed');
    t.is(await entries(), 0);
    t.is(await started(live(1, { 3: 10 })), 'started');

    t.false(await aliases.put(live(3), anEntry({ namespace })));
    t.false(await aliases.remove(namespace, fn, alias, anEntry({ namespace })));
    t.true(await aliases.put({ ...live(3), alias: aliasSchema.parse('beta') }, anEntry()));
    t.deepEqual(await targets(), [
      [3, {}],
      [1, { 2: 10 }],
    ]);
    t.is(await entries(), 1);
    const running = await rollouts.get(namespace, fn);
    if (running === null) return t.fail();
    await rollouts.move(running, { ...rollout, state: 'aborted' }, live(1), null);
    t.true(await aliases.put(live(3), anEntry()));
    t.true(await aliases.remove(namespace, fn, alias, anEntry()));
  });

  test(`${driver}: the end of a rollout is unannounced until it is recorded as announced`, async (t) => {
    const { functions, rollouts } = await get();
    const namespace = aNamespace();
    for (let version = 1; version <= 2; version += 1)
      await functions.addVersion(aVersion({ namespace, name: 'a' }), anEntry());
    const live = {
      namespace,
      function: aName('a'),
      alias: aliasSchema.parse('live'),
      version: 1,
      weights: {},
    };
    const rollout = aRollout(namespace);
    const states = async () =>
      (await rollouts.unannounced())
        .filter((ended) => ended.namespace === namespace)
        .map(({ state }) => state);
    await rollouts.start(rollout, { before: null, after: { ...live, updatedAt: Date.now() } }, anEntry());
    t.deepEqual(await states(), []);
    const started = await rollouts.get(namespace, aName('a'));
    if (started === null) return t.fail();
    await rollouts.move(started, { ...rollout, state: 'aborted' }, { ...live, updatedAt: Date.now() }, null);
    t.deepEqual(await states(), ['aborted']);
    await rollouts.announced(rollout);
    t.deepEqual(await states(), []);
  });
}
