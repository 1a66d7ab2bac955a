import { join } from 'node:path';
import test from 'ava';
import type { Namespace } from '../../src/contract/ids.js';
import { ALL_RIGHTS } from '../../src/contract/scopes.js';
import type { Actor } from '../../src/core/auth/principal.js';
import { DeadLetters } from '../../src/core/invocations/replay.js';
import { aDeadAttempt, anAttempt, anEnd, aRequestId } from '../helpers/attempt.js';
import { anEntry } from '../helpers/audited.js';
import { tempDir } from '../helpers/temp-dir.js';
import { openUseCases, type UseCases } from './use-cases.js';

const directory = tempDir();
let cases: UseCases;
test.before(async () => {
  cases = await openUseCases(join(directory, 'replay'));
});
test.after.always(() => cases.close());

function anActor(namespace: Namespace): Actor {
  const principal = {
    kind: 'api_key' as const,
    ...{ namespace, wallet: '', subject: 'key:test', keyName: 'test', keyId: 'test' },
    ...{ isAdmin: true, rights: ALL_RIGHTS, session: null, expiresAt: null, keyExpiresAt: null },
  };
  return { requestId: aRequestId(), principal };
}

/** Replays of which each is killed before the dead letter is marked, until `restart` is called. */
function crashingDeadLetters() {
  const { store, queue, catalog, meter } = cases;
  let crashes = true;
  const attempts: typeof store.attempts = {
    ...store.attempts,
    async takeDead(id) {
      if (crashes) throw new Error('killed');
      return store.attempts.takeDead(id);
    },
  };
  const shared = { queue, catalog, meter, resultTtlMs: 60_000 };
  return {
    deadLetters: new DeadLetters({ store: { ...store, attempts }, ...shared }),
    restart: () => {
      crashes = false;
    },
  };
}

test('a dead letter whose replay has ended, but was not recorded because of a crash, does not run again', async (t) => {
  const { store, queue } = cases;
  const { namespace } = await cases.deploy();
  const by = anActor(namespace);
  const { deadLetters, restart } = crashingDeadLetters();
  const dead = aDeadAttempt({ namespace });
  await store.attempts.write([dead]);
  const replay = () => deadLetters.replay(by, namespace, dead.requestId, { version: 'pinned', input: null });
  await t.throwsAsync(replay, { message: 'killed' });
  const id = (await queue.list(namespace, { limit: 10 })).items[0]?.invocation.id;
  if (id === undefined) return t.fail('the replay is not on the queue');
  // The replay runs and leaves the queue.
  await store.attempts.write([anAttempt({ namespace, requestId: id, trigger: 'replay', final: anEnd() })]);
  await queue.cancel(id);
  restart();
  t.is(await replay(), id);
  t.is(await queue.get(id), null);
});

test('a dead letter that was replayed can be replayed again by its id, but not with all others', async (t) => {
  const { store, queue, catalog, meter } = cases;
  const { namespace, name } = await cases.deploy();
  const by = anActor(namespace);
  const deadLetters = new DeadLetters({ store, queue, catalog, meter, resultTtlMs: 60_000 });
  const dead = aDeadAttempt({ namespace });
  await store.attempts.write([dead]);
  const ids = new Set<string>();
  for (let n = 0; n < 3; n += 1)
    ids.add(await deadLetters.replay(by, namespace, dead.requestId, { version: 'pinned', input: null }));
  t.is(ids.size, 3);
  t.is(await deadLetters.replayAll(by, namespace, name, { version: 'pinned' }), 0);
  const { items } = await queue.list(namespace, { limit: 10 });
  t.deepEqual(items.map(({ invocation }) => invocation.id).sort(), [...ids].sort());
  t.true(items.every(({ invocation }) => invocation.parentId === dead.requestId));
});

test('of two replays with different inputs at once, one runs and the other is refused', async (t) => {
  const { store, queue, catalog, meter } = cases;
  const { namespace } = await cases.deploy();
  const by = anActor(namespace);
  const deadLetters = new DeadLetters({ store, queue, catalog, meter, resultTtlMs: 60_000 });
  const dead = aDeadAttempt({ namespace });
  await store.attempts.write([dead]);
  const replays = await Promise.allSettled(
    ['one', 'two'].map((text) =>
      deadLetters.replay(by, namespace, dead.requestId, { version: 'pinned', input: Buffer.from(text) }),
    ),
  );
  const ids = replays.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  t.is(ids.length, 1);
  t.like(
    replays.find(({ status }) => status === 'rejected'),
    { reason: { code: 'conflict' } },
  );
  const { items } = await queue.list(namespace, { limit: 10 });
  t.deepEqual(
    items.map(({ invocation }) => invocation.id),
    ids,
  );
});

test('a replay of all dead letters leaves those whose pinned version was deleted, and replays the others', async (t) => {
  const { store, queue, catalog, meter, deploy } = cases;
  const { namespace, name } = await deploy();
  await store.functions.remove(namespace, name, anEntry());
  await deploy({}, namespace);
  const deadLetters = new DeadLetters({ store, queue, catalog, meter, resultTtlMs: 60_000 });
  const first = Date.now() - 1000;
  // More than a page of those that cannot be replayed, newer and older than the others.
  const deleted = [0, 150].flatMap((from) =>
    Array.from({ length: 105 }, (_, at) => aDeadAttempt({ namespace, acceptedAt: first + from + at })),
  );
  const current = [110, 120, 130].map((at) =>
    aDeadAttempt({ namespace, acceptedAt: first + at, version: 2 }),
  );
  await store.attempts.write([...deleted, ...current]);
  const all = (version: 'pinned' | 'newest') =>
    deadLetters.replayAll(anActor(namespace), namespace, name, { version });
  t.is(await all('pinned'), 3);
  const replayed = (await queue.list(namespace, { limit: 10 })).items;
  t.deepEqual(
    replayed.map(({ invocation }) => invocation.parentId).sort(),
    current.map(({ requestId }) => requestId).sort(),
  );
  const [group] = await store.attempts.deadGroups(namespace);
  t.is(group?.count, deleted.length);
  t.is(await all('pinned'), 0);
  t.is(await all('newest'), deleted.length);
});

test('a replay of all dead letters leaves one whose input was lost, and runs one whose input is empty', async (t) => {
  const { store, queue, catalog, meter, deploy } = cases;
  const { namespace, name } = await deploy();
  const deadLetters = new DeadLetters({ store, queue, catalog, meter, resultTtlMs: 60_000 });
  const lost = aDeadAttempt({ namespace }, { input: null });
  const empty = aDeadAttempt({ namespace }, { input: new Uint8Array() });
  await store.attempts.write([lost, empty]);
  const by = anActor(namespace);
  const ids = [lost.requestId, empty.requestId];
  t.is(await deadLetters.replayAll(by, namespace, name, { version: 'pinned', ids }), 1);
  t.is(await deadLetters.replayAll(by, namespace, name, { version: 'newest' }), 0);
  const replayed = (await queue.list(namespace, { limit: 10 })).items;
  t.deepEqual(
    replayed.map(({ invocation }) => invocation.parentId),
    [empty.requestId],
  );
  const [group] = await store.attempts.deadGroups(namespace);
  t.is(group?.count, 1);
  const input = Buffer.from('[]');
  t.truthy(await deadLetters.replay(by, namespace, lost.requestId, { version: 'pinned', input }));
});

test('a replay that is repeated after a crash with another input or version runs what it was given', async (t) => {
  const { queue, store, deploy } = cases;
  const { namespace } = await deploy();
  await deploy({}, namespace);
  const by = anActor(namespace);
  const asText = (input: Uint8Array) => Buffer.from(input).toString();
  const run = async (id: Parameters<typeof queue.get>[0]) => (await queue.get(id))?.invocation;
  const others = [
    { version: 'pinned', input: Buffer.from('"b"') },
    { version: 'pinned', input: null },
    { version: 2, input: Buffer.from('"a"') },
  ] as const;
  for (const other of others) {
    const dead = aDeadAttempt({ namespace });
    await store.attempts.write([dead]);
    const { deadLetters, restart } = crashingDeadLetters();
    const first = { version: 'pinned', input: Buffer.from('"a"') } as const;
    const replay = (options: typeof first | typeof other) =>
      deadLetters.replay(by, namespace, dead.requestId, options);
    for (let n = 0; n < 2; n += 1) await t.throwsAsync(replay(first), { message: 'killed' });
    restart();
    const invocation = await run(await replay(other));
    const expected = asText(other.input ?? dead.final?.input ?? Buffer.of());
    t.is(asText(invocation?.input ?? Buffer.of()), expected);
    t.is(invocation?.version, other.version === 'pinned' ? 1 : other.version);
    const jobs = (await queue.list(namespace, { limit: 100 })).items;
    t.is(jobs.filter(({ invocation: { parentId } }) => parentId === dead.requestId).length, 2);
  }
});
