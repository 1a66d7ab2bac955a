import test from 'ava';
import { aliasSchema } from '../../src/contract/alias.js';
import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import type { Namespace } from '../../src/contract/ids.js';
import { recordOf } from '../../src/core/deploy.js';
import type { StoredAlias } from '../../src/ports/store/aliases.js';
import type { NewVersion } from '../../src/ports/store/functions.js';
import type { StoredRollout } from '../../src/ports/store/rollouts.js';
import { aName, aNamespace, anAttempt } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './store.js';

export function aVersion(
  given: Partial<NewVersion> & { name?: string; triggers?: unknown[]; routes?: string[] } = {},
): NewVersion {
  const { name = 'hello', triggers = [], routes, ...rest } = given;
  const http = routes === undefined ? {} : { http: { routes } };
  return {
    namespace: aNamespace(),
    settings: functionSettingsSchema.parse({
      name,
      is_public: true,
      memory_limit_mb: 128,
      retry_delay_seconds: 0.5,
      metadata: functionMetadataSchema.parse({ env: { GREETING: 'héllo' }, triggers, ...http }),
    }),
    wasmCid: 'bafkreigh2akiscaildc',
    warmStart: 'fresh',
    createdBy: 'admin',
    ...rest,
  };
}

export function aRollout(namespace: Namespace): Omit<StoredRollout, 'changeId'> {
  const now = Date.now();
  return {
    ...{ namespace, function: aName('a'), state: 'running', to: 2, from: 1, createdLive: false },
    request: { to: 2, steps: [10], every_seconds: 60, max_error_percent: 2, min_calls: 20 },
    ...{ step: 0, stepStartedAt: now, calls: 0, errors: 0, p95Ms: null, reason: null },
    ...{ startedAt: now, updatedAt: now },
  };
}

export function testFunctions(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a deployed version is read back as written, and unknown ones are null`, async (t) => {
    const { functions } = await get();
    const given = aVersion();
    const made = await functions.addVersion(given);
    const { id, created_at, updated_at, ...rest } = made;
    t.deepEqual(rest, {
      name: aName('hello'),
      namespace: given.namespace,
      version: 1,
      wasm_cid: given.wasmCid,
      memory_limit_mb: 128,
      timeout_seconds: 30,
      is_public: true,
      retry_count: 0,
      retry_delay_seconds: 0.5,
      status: 'active',
      warm_start: 'fresh',
      warm_start_reason: null,
      created_by: 'admin',
      created_by_name: null,
      message: null,
      git_commit: null,
      metadata: given.settings.metadata,
    });
    t.true(id.length > 0);
    t.is(created_at, updated_at);
    t.deepEqual(await functions.latest(given.namespace, aName('hello')), made);
    t.deepEqual(await functions.version(given.namespace, aName('hello'), 1), made);
    t.is(await functions.version(given.namespace, aName('hello'), 2), null);
    t.is(await functions.latest(aNamespace(), aName('hello')), null);
  });

  test(`${driver}: the size of a module is known to the namespace that deployed it`, async (t) => {
    const { functions } = await get();
    const given = aVersion({ wasmBytes: 1234 });
    await functions.addVersion(given);
    // A rollback stores no size.
    await functions.addVersion(aVersion({ namespace: given.namespace }));
    t.is(await functions.moduleBytes(given.namespace, given.wasmCid), 1234);
    t.is(await functions.moduleBytes(given.namespace, 'another'), null);
    t.is(await functions.moduleBytes(aNamespace(), given.wasmCid), null);
  });

  test(`${driver}: a version stores its message and git commit`, async (t) => {
    const { functions } = await get();
    const origin = { message: "What's new – ✓", git_commit: '0123456-dirty' };
    const given = aVersion({ origin, createdBy: 'key:1', createdByName: 'ci – ✓' });
    const expected = { ...origin, created_by: 'key:1', created_by_name: 'ci – ✓' };
    t.like(await functions.addVersion(given), expected);
    t.like(await functions.latest(given.namespace, aName('hello')), expected);
  });

  test(`${driver}: a version with a pending probe is listed until its warm start is recorded`, async (t) => {
    const { functions } = await get();
    const given = aVersion({ warmStartReason: 'given up', probePending: true });
    const made = await functions.addVersion(given);
    t.is(made.warm_start_reason, 'given up');
    t.true(made.probe_pending);
    const listed = async () => (await functions.probePending(1000, 0)).filter(({ id }) => id === made.id);
    t.deepEqual(await listed(), [made]);
    t.deepEqual(await functions.probePending(1000, (await functions.probePending(1000, 0)).length), []);
    await functions.recordWarmStart(made, 'go-command', null);
    t.deepEqual(await listed(), []);
    const { probe_pending: _, ...settled } = made;
    t.deepEqual(await functions.latest(given.namespace, aName('hello')), {
      ...settled,
      warm_start: 'go-command',
      warm_start_reason: null,
    });
  });

  test(`${driver}: a new version has the next number and the id and creation time of the function`, async (t) => {
    const { functions } = await get();
    const given = aVersion();
    const first = await functions.addVersion(given);
    const second = await functions.addVersion({
      ...given,
      wasmCid: 'bafkreisecond',
      warmStart: 'go-command',
    });
    t.is(second.version, 2);
    t.is(second.id, first.id);
    t.is(second.created_at, first.created_at);
    t.true(second.updated_at >= first.updated_at);
    t.deepEqual(await functions.versions(given.namespace, aName('hello')), [second, first].map(recordOf));
    t.deepEqual(await functions.latest(given.namespace, aName('hello')), second);
  });

  test(`${driver}: list returns the latest version of each function, ordered by name`, async (t) => {
    const { functions } = await get();
    const given = aVersion({ name: 'b' });
    await functions.addVersion(given);
    const b = await functions.addVersion(given);
    const a = await functions.addVersion(aVersion({ name: 'a', namespace: given.namespace }));
    t.deepEqual(await functions.list(given.namespace), [a, b].map(recordOf));
    t.deepEqual(
      await functions.listWithoutEnv(given.namespace),
      [a, b].map((made) => ({ ...made, metadata: { ...made.metadata, env: {} } })),
    );
    t.true((await functions.count()) >= 2);
  });

  test(`${driver}: concurrent deploys of a function get distinct version numbers`, async (t) => {
    const [one, two] = [await get(), await open()];
    const given = aVersion();
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, at) => (at % 2 ? one : two).functions.addVersion(given)),
    );
    t.deepEqual(
      made.map(({ version }) => version).sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, at) => at + 1),
    );
    t.is(new Set(made.map(({ id }) => id)).size, 1);
    await two.close();
  });

  test(`${driver}: one of two concurrent deploys with the same route fails with conflict and stores nothing`, async (t) => {
    const [one, two] = [await get(), await open()];
    for (let round = 0; round < 8; round += 1) {
      const namespace = aNamespace();
      const deploys = [
        one.functions.addVersion(aVersion({ namespace, name: 'a', routes: ['GET /x', 'GET /users/{id}'] })),
        two.functions.addVersion(aVersion({ namespace, name: 'b', routes: ['GET /users/{name}', 'GET /y'] })),
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
      functions.addVersion(aVersion({ namespace, name, routes }));
    await deploy('a', ['GET /x', 'GET /y']);
    await deploy('a', ['GET /x', 'POST /y']);
    await deploy('b', ['GET /y']);
    await t.throwsAsync(deploy('c', ['GET /x']), { code: 'conflict' });
    await functions.addVersion(aVersion({ name: 'c', routes: ['GET /x'] }));
    await functions.remove(namespace, aName('a'));
    t.is((await deploy('c', ['GET /x'])).version, 1);
  });

  test(`${driver}: a function keeps the routes of every version that can be live, and of no other`, async (t) => {
    const { functions, aliases, rollouts } = await get();
    const namespace = aNamespace();
    const deploy = (name: string, routes: string[]) =>
      functions.addVersion(aVersion({ namespace, name, routes }));
    const live = (version: number, weights: Record<string, number> = {}): StoredAlias => ({
      ...{ namespace, function: aName('a'), alias: aliasSchema.parse('live'), version, weights },
      updatedAt: Date.now(),
    });
    const refused = (work: Promise<unknown>, owner: string) =>
      t.throwsAsync(work, { code: 'conflict', message: new RegExp(`is taken by function "${owner}"`) });
    await deploy('a', ['GET /', 'GET /x/{id}', 'GET /f/{path...}']);
    await deploy('a', ['GET /y']);
    await aliases.put(live(1));
    await deploy('a', []);
    await refused(deploy('b', ['GET /']), 'a');
    await refused(deploy('b', ['GET /x/{other}']), 'a');
    await refused(deploy('b', ['GET /f/{rest...}']), 'a');
    await deploy('b', ['GET /y', 'GET /x', 'POST /x/{id}', 'GET /f/{path}']);
    await refused(aliases.put(live(2)), 'b');
    await refused(aliases.put(live(1, { 2: 10 })), 'b');
    t.deepEqual(
      (await aliases.list(namespace)).map(({ version, weights }) => [version, weights]),
      [[1, {}]],
    );

    await aliases.put(live(3));
    await deploy('c', ['GET /']);
    await refused(aliases.put(live(1)), 'c');
    const rollout = { ...aRollout(namespace), to: 2, from: 3 };
    await refused(rollouts.start(rollout, live(3, { 2: 10 })), 'b');
    t.is(await rollouts.get(namespace, aName('a')), null);
    await deploy('b', []);
    t.is(await rollouts.start(rollout, live(2)), 'started');
    await refused(deploy('b', ['GET /y']), 'a');
    const started = await rollouts.get(namespace, aName('a'));
    t.true(started !== null && (await rollouts.move(started, { ...rollout, state: 'aborted' }, live(3))));
    await deploy('b', ['GET /y']);
    await aliases.remove(namespace, aName('a'), aliasSchema.parse('live'));
    await refused(deploy('d', ['GET /']), 'c');
  });

  test(`${driver}: removing a function removes its triggers, and a later deploy continues the versions`, async (t) => {
    const { functions, triggers } = await get();
    const given = aVersion({ triggers: [{ topic: 'a:b' }] });
    const name = aName('hello');
    const first = await functions.addVersion(given);
    await functions.addVersion(given);
    t.deepEqual(await functions.remove(given.namespace, name), [given.wasmCid]);
    t.is(await functions.remove(given.namespace, name), null);
    t.is(await functions.latest(given.namespace, name), null);
    t.deepEqual(await functions.list(given.namespace), []);
    t.deepEqual(await functions.versions(given.namespace, name), []);
    t.deepEqual(await triggers.list(given.namespace), []);

    const again = await functions.addVersion(given);
    t.is(again.version, 3);
    t.not(again.id, first.id);
    t.deepEqual(await functions.versions(given.namespace, name), [recordOf(again)]);
  });

  test(`${driver}: a deploy replaces the triggers of the manifest and keeps those added through the API`, async (t) => {
    const { functions, triggers } = await get();
    const given = aVersion({
      triggers: [{ topic: 'old' }, { cron: '*/5 * * * *', timezone: 'Europe/Paris' }],
    });
    const name = aName('hello');
    await functions.addVersion(given);
    const byHand = await triggers.add(given.namespace, name, { topic: 'by-hand' });
    const before = await triggers.list(given.namespace, name);
    t.is(before.length, 3);

    await functions.addVersion(
      aVersion({
        namespace: given.namespace,
        triggers: [{ topic: 'new' }, { cron: '*/5 * * * *', timezone: 'Europe/Paris' }],
      }),
    );
    const after = await triggers.list(given.namespace, name);
    t.deepEqual(after.map(({ spec, source }) => [JSON.stringify(spec), source]).sort(), [
      ['{"cron":"*/5 * * * *","timezone":"Europe/Paris"}', 'manifest'],
      ['{"topic":"by-hand"}', 'api'],
      ['{"topic":"new"}', 'manifest'],
    ]);
    t.true(after.some(({ id }) => id === byHand?.id));
    const schedule = (list: typeof after) => list.find(({ spec }) => 'cron' in spec)?.id;
    t.is(schedule(after), schedule(before), 'an unchanged schedule keeps its id');
  });

  test(`${driver}: an unpaired surrogate in a topic is stored as U+FFFD`, async (t) => {
    const { functions, triggers } = await get();
    const given = aVersion({ triggers: [{ topic: 'a:\ud800' }] });
    await functions.addVersion(given);
    await functions.addVersion(given);
    await triggers.add(given.namespace, aName('hello'), { topic: 'b:\ud800' });
    const found = await triggers.list(given.namespace);
    t.deepEqual(found.map(({ spec }) => ('topic' in spec ? spec.topic : '')).sort(), [
      'a:\ufffd',
      'b:\ufffd',
    ]);
  });

  test(`${driver}: a trigger is added once, read by id, listed and removed`, async (t) => {
    const { functions, triggers } = await get();
    const namespace = aNamespace();
    const name = aName('hello');
    for (const each of ['hello', 'other']) await functions.addVersion(aVersion({ namespace, name: each }));
    const topic = await triggers.add(namespace, name, { topic: 'calls:*' });
    if (topic === null) return t.fail();
    t.deepEqual(topic, {
      id: topic.id,
      namespace,
      function: name,
      spec: { topic: 'calls:*' },
      source: 'api',
      enabled: true,
      createdAt: topic.createdAt,
    });
    t.deepEqual(await triggers.add(namespace, name, { topic: 'calls:*' }), topic);
    const cron = await triggers.add(namespace, name, { cron: '0 0 * * *' });
    const other = await triggers.add(namespace, aName('other'), { topic: 'calls:*' });
    t.deepEqual(await triggers.get(topic.id), topic);
    t.is(await triggers.get('absent'), null);
    t.deepEqual(await triggers.list(namespace, name), [topic, cron]);
    t.is((await triggers.list(namespace)).length, 3);
    t.deepEqual(
      (await triggers.schedules()).filter((trigger) => trigger.namespace === namespace),
      [cron],
    );
    t.false(await triggers.remove(namespace, name, other?.id ?? ''), 'another function’s trigger');
    t.true(await triggers.remove(namespace, name, topic.id));
    t.false(await triggers.remove(namespace, name, topic.id));
    t.deepEqual(await triggers.list(namespace, name), [cron]);
  });

  // Serial, since the order covers the whole store: no other test may write at the same time.
  test.serial(`${driver}: recent lists the versions that ran last, then those deployed last`, async (t) => {
    const { functions, attempts } = await get();
    const namespace = aNamespace();
    const deploy = (name: string) => functions.addVersion(aVersion({ namespace, name }));
    const [ran, ranLast] = [await deploy('ran'), await deploy('ran-last')];
    await deploy('ran');
    const deployedLast = await deploy('deployed-last');
    const run = (name: string, version: number) =>
      attempts.write([anAttempt({ namespace, function: aName(name), version })]);
    await run('ran-last', 1);
    await run('ran', 1);
    await run('ran-last', 1);
    await run('deleted', 1);
    const recent = (await functions.recent(10_000)).filter((version) => version.namespace === namespace);
    t.deepEqual(recent.slice(0, 3), [ranLast, ran, deployedLast]);
    t.is(recent.length, 4);
    t.deepEqual(await functions.recent(1), [ranLast]);
  });
}
