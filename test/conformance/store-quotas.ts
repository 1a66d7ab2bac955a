import test from 'ava';
import { functionMetadataSchema, functionSettingsSchema } from '../../src/contract/function.js';
import type { FinalState } from '../../src/contract/invocation-state.js';
import { MB } from '../../src/contract/limits.js';
import { isAppError } from '../../src/errors.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import type { NewVersion } from '../../src/ports/store/functions.js';
import type { NewKey } from '../../src/ports/store/keys.js';
import type { Store } from '../../src/ports/store.js';
import { uuidv7 } from '../../src/uuid.js';
import { aName, aNamespace, anAttempt, anEnd } from '../helpers/attempt.js';
import { anEntry, ENOUGH } from '../helpers/audited.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

const ROOM = { functions: 100, versions_per_function: 100, triggers: 100, storage_mb: 100 };

function aVersion(namespace: NewVersion['namespace'], name: string, more: Partial<NewVersion> = {}) {
  const settings = functionSettingsSchema.parse({
    name: aName(name),
    metadata: functionMetadataSchema.parse({}),
  });
  return {
    namespace,
    settings,
    wasmCid: 'cid',
    warmStart: 'fresh' as const,
    createdBy: '',
    limits: ROOM,
    ...more,
  };
}

function aKey(namespace: NewKey['namespace']): NewKey {
  return {
    ...{ id: uuidv7(), namespace, name: 'k', hash: uuidv7(), isAdmin: false, scopes: ['*'] },
    ...{ functions: null, expiresAt: null, createdBy: '', maker: null },
  };
}

function withTriggers(namespace: NewVersion['namespace'], name: string, topics: readonly string[]) {
  const metadata = functionMetadataSchema.parse({ triggers: topics.map((topic) => ({ topic })) });
  const settings = functionSettingsSchema.parse({ name: aName(name), metadata });
  return aVersion(namespace, name, { settings });
}

/**
 * Quotas are checked by the statement that inserts the row, so that concurrent writers cannot
 * exceed the limit together.
 */
export function testQuotas(driver: string, open: OpenStore): void {
  const get = shared(open);
  const addKey = ({ keys }: Store, namespace: NewVersion['namespace'], limit: number) =>
    keys.add(aKey(namespace), null, limit);

  test(`${driver}: concurrent inserts of two processes together do not exceed a quota`, async (t) => {
    const [here, there] = [await get(), await open()];
    t.teardown(() => there.close());
    const namespace = aNamespace();
    const made = await Promise.allSettled(
      Array.from({ length: 12 }, (_, at) => addKey(at % 2 === 0 ? here : there, namespace, 5)),
    );
    t.is(made.filter(({ status }) => status === 'fulfilled').length, 5);
    t.is((await here.keys.list(namespace)).length, 5);
    for (const each of made) {
      if (each.status === 'rejected') t.true(isAppError(each.reason, 'quota_exceeded'), String(each.reason));
    }
    await t.notThrowsAsync(addKey(here, aNamespace(), 5));
  });

  test(`${driver}: the quota_exceeded error has status 413 and names the quota, its limit and the use`, async (t) => {
    const store = await get();
    const namespace = aNamespace();
    await addKey(store, namespace, 2);
    await addKey(store, namespace, 2);
    const error = await t.throwsAsync(addKey(store, namespace, 2));
    t.true(isAppError(error, 'quota_exceeded') && error.status === 413);
    t.regex(error.message, new RegExp(`keys of namespace "${namespace}".* 2 of 2`));
  });

  test(`${driver}: existing secrets, triggers and functions can be changed at or above the quota`, async (t) => {
    const { secrets, triggers, functions } = await get();
    const namespace = aNamespace();
    const put = (name: string, limit: number) =>
      secrets.put(namespace, { name, sealed: Uint8Array.of(1), keyId: 'k' }, anEntry(), limit);
    await put('A', 2);
    await put('B', 2);
    await t.notThrowsAsync(put('B', 1));
    await t.throwsAsync(put('C', 2), { message: /secrets/ });

    const spec = { topic: 'a' };
    await functions.addVersion(aVersion(namespace, 'f', { limits: { ...ROOM, functions: 1 } }), anEntry());
    const first = await triggers.add(namespace, aName('f'), spec, anEntry(), 1);
    t.deepEqual(await triggers.add(namespace, aName('f'), spec, anEntry(), 1), first);
    t.not(first, null);
    await t.throwsAsync(triggers.add(namespace, aName('f'), { topic: 'b' }, anEntry(), 1), {
      message: /triggers/,
    });

    await t.throwsAsync(
      functions.addVersion(aVersion(namespace, 'g', { limits: { ...ROOM, functions: 1 } }), anEntry()),
      { message: /functions .* 1 of 1/ },
    );
    await functions.addVersion(aVersion(namespace, 'f', { limits: { ...ROOM, functions: 1 } }), anEntry());
    t.is((await functions.list(namespace)).length, 1);
  });

  test(`${driver}: a deploy that would exceed a quota stores nothing`, async (t) => {
    const { functions, triggers, quotas } = await get();
    const namespace = aNamespace();
    const limits = { ...ROOM, triggers: 3 };
    await functions.addVersion({ ...withTriggers(namespace, 'f', ['a', 'b']), limits }, anEntry());
    await triggers.add(namespace, aName('f'), { topic: 'by-hand' }, anEntry(), ENOUGH);
    await t.throwsAsync(
      functions.addVersion({ ...withTriggers(namespace, 'f', ['a', 'b', 'c']), limits }, anEntry()),
      {
        message: /triggers .* 3 of 3/,
      },
    );
    t.is((await functions.versions(namespace, aName('f'))).length, 1);
    t.is((await triggers.list(namespace)).length, 3);
    // The same triggers again, and others as their replacement.
    await functions.addVersion({ ...withTriggers(namespace, 'f', ['a', 'by-hand']), limits }, anEntry());
    await functions.addVersion({ ...withTriggers(namespace, 'f', ['x', 'y']), limits }, anEntry());
    t.like(await quotas.use(namespace), { functions: 1, versionsPerFunction: 3, triggers: 3 });
    await t.throwsAsync(
      functions.addVersion(
        aVersion(namespace, 'f', { limits: { ...ROOM, versions_per_function: 3 } }),
        anEntry(),
      ),
      { message: /versions_per_function .* 3 of 3/ },
    );
  });

  test(`${driver}: modules and blobs count against one storage quota, and equal content counts once`, async (t) => {
    const { functions, blobOwners, quotas } = await get();
    const namespace = aNamespace();
    const limits = { ...ROOM, storage_mb: 4 };
    const deploy = (wasmCid: string) =>
      functions.addVersion(aVersion(namespace, 'f', { wasmCid, wasmBytes: 2 * MB, limits }), anEntry());
    await deploy('one');
    await deploy('one');
    t.is((await quotas.use(namespace)).storageBytes, 2 * MB);
    const blob = { cid: 'blob', name: '', size: 1.5 * MB };
    await blobOwners.add(namespace, blob, 4 * MB);
    await blobOwners.add(namespace, blob, 4 * MB);
    await t.throwsAsync(blobOwners.add(namespace, { ...blob, cid: 'other' }, 4 * MB), {
      message: /storage_mb .* 3.5 MB of 4 MB/,
    });
    await t.throwsAsync(deploy('two'), { message: /storage_mb/ });
    await deploy('one');
    t.true(await blobOwners.remove(namespace, 'blob'));
    await deploy('two');
    t.is((await quotas.use(namespace)).storageBytes, 4 * MB);
  });

  test(`${driver}: a quota override applies to its namespace until it is removed`, async (t) => {
    const { quotas } = await get();
    const namespace = aNamespace();
    await quotas.set(namespace, { functions: 3, cache_mb: 1 });
    await quotas.set(namespace, { functions: null, keys: 0 });
    t.deepEqual(await quotas.overrides(namespace), { cache_mb: 1, keys: 0 });
    t.deepEqual(await quotas.overrides(aNamespace()), {});
  });

  test(`${driver}: ended invocations are counted per minute, state and function, and durations are sampled`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const minute = Math.floor(Date.now() / 60_000) - 5;
    const at = (offset: number) => (minute + offset) * 60_000 + 1000;
    const end = (offset: number, state: FinalState, more: Partial<AttemptRow> = {}) =>
      anAttempt({ namespace, acceptedAt: at(offset), final: anEnd({ state }), ...more });
    await attempts.write([
      end(0, 'success', { durationMs: 10 }),
      end(0, 'success', { durationMs: 30 }),
      end(0, 'dead', { durationMs: 20, function: aName('other') }),
      end(1, 'timeout'),
      end(9, 'success'),
      anAttempt({ namespace, acceptedAt: at(0) }),
      anAttempt({ acceptedAt: at(0), final: anEnd() }),
    ]);
    const query = { namespace, since: minute * 60_000, until: (minute + 3) * 60_000 };
    const counts = await attempts.perMinute(query);
    t.deepEqual(counts.map((one) => `${one.minute - minute} ${one.state} ${one.count}`).sort(), [
      '0 dead 1',
      '0 success 2',
      '1 timeout 1',
    ]);
    t.deepEqual(await attempts.perMinute({ ...query, function: aName('other') }), [
      { minute, state: 'dead', count: 1 },
    ]);
    const durations = await attempts.durations(query, 4);
    t.deepEqual(
      durations
        .filter((one) => one.minute === minute)
        .map(({ ms }) => ms)
        .sort(),
      [10, 20, 30],
    );
    t.true((await attempts.durations(query, 40_000)).length <= 4);
  });

  test(`${driver}: log bytes are summed over processes and start at 0 each day`, async (t) => {
    const [{ quotas }, there] = [await get(), await open()];
    t.teardown(() => there.close());
    const namespace = aNamespace();
    await quotas.addLogBytes(namespace, '2026-01-01', 10);
    t.is(await there.quotas.addLogBytes(namespace, '2026-01-01', 5), 15);
    t.is(await quotas.addLogBytes(namespace, '2026-01-02', 1), 1);
  });
}
