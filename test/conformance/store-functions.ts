import test from 'ava';
import { recordOf } from '../../src/core/functions/functions.js';
import { aName, aNamespace, anAttempt } from '../helpers/attempt.js';
import { anEntry } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';
import { aVersion } from './store-records.js';

export function testFunctions(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: a deployed version is read back as written, and unknown ones are null`, async (t) => {
    const { functions } = await get();
    const given = aVersion();
    const made = await functions.addVersion(given, anEntry());
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
    await functions.addVersion(given, anEntry());
    // A rollback stores no size.
    await functions.addVersion(aVersion({ namespace: given.namespace }), anEntry());
    t.is(await functions.moduleBytes(given.namespace, given.wasmCid), 1234);
    t.is(await functions.moduleBytes(given.namespace, 'another'), null);
    t.is(await functions.moduleBytes(aNamespace(), given.wasmCid), null);
  });

  test(`${driver}: a version stores its message and git commit`, async (t) => {
    const { functions } = await get();
    const origin = { message: "What's new – ✓", git_commit: '0123456-dirty' };
    const given = aVersion({ origin, createdBy: 'key:1', createdByName: 'ci – ✓' });
    const expected = { ...origin, created_by: 'key:1', created_by_name: 'ci – ✓' };
    t.like(await functions.addVersion(given, anEntry()), expected);
    t.like(await functions.latest(given.namespace, aName('hello')), expected);
  });

  test(`${driver}: a version with a pending probe is listed until its warm start is recorded`, async (t) => {
    const { functions } = await get();
    const given = aVersion({ warmStartReason: 'given up', probePending: true });
    const made = await functions.addVersion(given, anEntry());
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
    const first = await functions.addVersion(given, anEntry());
    const second = await functions.addVersion(
      {
        ...given,
        wasmCid: 'bafkreisecond',
        warmStart: 'go-command',
      },
      anEntry(),
    );
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
    await functions.addVersion(given, anEntry());
    const b = await functions.addVersion(given, anEntry());
    const a = await functions.addVersion(aVersion({ name: 'a', namespace: given.namespace }), anEntry());
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
      Array.from({ length: 12 }, (_, at) => (at % 2 ? one : two).functions.addVersion(given, anEntry())),
    );
    t.deepEqual(
      made.map(({ version }) => version).sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, at) => at + 1),
    );
    t.is(new Set(made.map(({ id }) => id)).size, 1);
    await two.close();
  });

  test(`${driver}: removing a function removes its triggers, and a later deploy continues the versions`, async (t) => {
    const { functions, triggers } = await get();
    const given = aVersion({ triggers: [{ topic: 'a:b' }] });
    const name = aName('hello');
    const first = await functions.addVersion(given, anEntry());
    await functions.addVersion(given, anEntry());
    t.deepEqual(await functions.remove(given.namespace, name, anEntry()), [given.wasmCid]);
    t.is(await functions.remove(given.namespace, name, anEntry()), null);
    t.is(await functions.latest(given.namespace, name), null);
    t.deepEqual(await functions.list(given.namespace), []);
    t.deepEqual(await functions.versions(given.namespace, name), []);
    t.deepEqual(await triggers.list(given.namespace), []);

    const again = await functions.addVersion(given, anEntry());
    t.is(again.version, 3);
    t.not(again.id, first.id);
    t.deepEqual(await functions.versions(given.namespace, name), [recordOf(again)]);
  });

  test.serial(`${driver}: recent lists the versions that ran last, then those deployed last`, async (t) => {
    const { functions, attempts } = await get();
    const namespace = aNamespace();
    const deploy = (name: string) => functions.addVersion(aVersion({ namespace, name }), anEntry());
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
