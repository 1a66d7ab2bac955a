import { join } from 'node:path';
import test from 'ava';
import type { Namespace, RequestId } from '../../src/contract/ids.js';
import { ALL_RIGHTS } from '../../src/contract/scopes.js';
import type { Actor } from '../../src/core/auth/principal.js';
import { DeadLetters } from '../../src/core/invocations/replay.js';
import { AppError } from '../../src/errors.js';
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
  const { store, queue, backlog, catalog, meter } = cases;
  let crashes = true;
  const attempts: typeof store.attempts = {
    ...store.attempts,
    async takeDead(id) {
      if (crashes) throw new Error('killed');
      return store.attempts.takeDead(id);
    },
  };
  const shared = { queue, backlog, catalog, meter, resultTtlMs: 60_000 };
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
  t.is((await store.attempts.invocation(dead.requestId))?.attempts.at(-1)?.final?.state, 'error');
});

test('a dead letter that was replayed is replayed again, each time as a new invocation', async (t) => {
  const { store, queue, backlog, catalog, meter } = cases;
  const { namespace, name } = await cases.deploy();
  const by = anActor(namespace);
  const deadLetters = new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 });
  const dead = aDeadAttempt({ namespace });
  await store.attempts.write([dead]);
  const replay = () => deadLetters.replay(by, namespace, dead.requestId, { version: 'pinned', input: null });
  const ids = [await replay(), await replay(), await replay()];
  t.is(new Set(ids).size, 3);
  const { items } = await queue.list(namespace, { limit: 10 });
  t.deepEqual(items.map(({ invocation }) => invocation.id).sort(), ids.toSorted());
  const { requestId } = dead;
  t.is(await deadLetters.replayAll(by, namespace, name, { version: 'pinned', ids: [requestId] }), 0);
});

test('of replays of a dead letter at once, with which versions ever, one is accepted and stays on the queue', async (t) => {
  const { store, queue, backlog, catalog, meter } = cases;
  const { namespace, name } = await cases.deploy();
  await cases.deploy({}, namespace);
  const by = anActor(namespace);
  const dead = Array.from({ length: 10 }, () => aDeadAttempt({ namespace }));
  await store.attempts.write(dead);
  // Each of a process of its own.
  const processes = Array.from(
    { length: 3 },
    () => new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 }),
  );
  const versions = ['pinned', 'pinned', 'newest'] as const;
  for (const { requestId } of dead.slice(0, 5)) {
    const replays = await Promise.allSettled(
      processes.map((each, at) =>
        each.replay(by, namespace, requestId, { version: versions[at] ?? 'pinned', input: null }),
      ),
    );
    const accepted = replays.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    t.is(accepted.length, 1);
    t.deepEqual(await childrenOf(requestId), accepted);
  }
  const counts = await Promise.all(
    processes.map((each, at) => each.replayAll(by, namespace, name, { version: versions[at] ?? 'pinned' })),
  );
  t.is(
    counts.reduce((sum, count) => sum + count, 0),
    5,
  );
  for (const { requestId } of dead) t.is((await childrenOf(requestId)).length, 1);

  async function childrenOf(id: string) {
    const { items } = await queue.list(namespace, { limit: 100 });
    return items.flatMap(({ invocation }) => (invocation.parentId === id ? [invocation.id] : []));
  }
});

test('a dead letter that is replayed twice at once runs once, although its run ends at once', async (t) => {
  const { store, backlog, catalog, meter } = cases;
  const { namespace } = await cases.deploy();
  await cases.deploy({}, namespace);
  const by = anActor(namespace);
  const ran: string[] = [];
  const queue: typeof cases.queue = Object.assign(Object.create(cases.queue), {
    get: async () => null,
    async add([job]: Parameters<typeof cases.queue.add>[0]) {
      const requestId = job?.invocation.id ?? aRequestId();
      ran.push(requestId);
      await store.attempts.write([anAttempt({ namespace, requestId, trigger: 'replay', final: anEnd() })]);
    },
  });
  const deadLetters = new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 });
  for (const versions of [
    ['pinned', 'pinned'],
    ['pinned', 'newest'],
  ] as const) {
    const { requestId, ...dead } = aDeadAttempt({ namespace });
    await store.attempts.write([{ requestId, ...dead }]);
    const before = ran.length;
    const replays = await Promise.allSettled(
      versions.map((version) => deadLetters.replay(by, namespace, requestId, { version, input: null })),
    );
    t.is(ran.length, before + 1);
    t.deepEqual(replays.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  }
});

test('of two replays with different inputs at once, one runs and the other is refused', async (t) => {
  const { store, queue, backlog, catalog, meter } = cases;
  const { namespace } = await cases.deploy();
  const by = anActor(namespace);
  const deadLetters = new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 });
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

test('a replay whose add was interrupted is added by the next one, under the same id', async (t) => {
  const { store, backlog, catalog, meter } = cases;
  const { namespace } = await cases.deploy();
  const ids: unknown[] = [];
  const queue: typeof cases.queue = Object.assign(Object.create(cases.queue), {
    async add(...added: Parameters<typeof cases.queue.add>) {
      ids.push(added[0][0]?.invocation.id);
      if (ids.length === 1) throw new AppError('ambiguous_write', 'lost');
      return cases.queue.add(...added);
    },
    get: (id: RequestId) => cases.queue.get(id),
  });
  const deadLetters = new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 });
  const dead = aDeadAttempt({ namespace });
  await store.attempts.write([dead]);
  const options = { version: 'pinned', input: null } as const;
  const replay = () => deadLetters.replay(anActor(namespace), namespace, dead.requestId, options);
  await t.throwsAsync(replay, { code: 'ambiguous_write' });
  const id = await replay();
  t.deepEqual(ids, [id, id]);
  t.truthy(await cases.queue.get(id));
});

test('a replay of all dead letters leaves those whose pinned version was deleted, and replays the others', async (t) => {
  const { store, queue, backlog, catalog, meter, deploy } = cases;
  const { namespace, name } = await deploy();
  await store.functions.remove(namespace, name, anEntry());
  await deploy({}, namespace);
  const deadLetters = new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 });
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
  const { store, queue, backlog, catalog, meter, deploy } = cases;
  const { namespace, name } = await deploy();
  const deadLetters = new DeadLetters({ store, queue, backlog, catalog, meter, resultTtlMs: 60_000 });
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
  const repeated = others.map(async (other) => {
    const dead = aDeadAttempt({ namespace });
    await store.attempts.write([dead]);
    const { deadLetters, restart } = crashingDeadLetters();
    const first = { version: 'pinned', input: Buffer.from('"a"') } as const;
    const replay = (options: typeof first | typeof other) =>
      deadLetters.replay(by, namespace, dead.requestId, options);
    await t.throwsAsync(replay(first), { message: 'killed' });
    restart();
    const invocation = await run(await replay(other));
    const expected = asText(other.input ?? dead.final?.input ?? Buffer.of());
    t.is(asText(invocation?.input ?? Buffer.of()), expected);
    t.is(invocation?.version, other.version === 'pinned' ? 1 : other.version);
    const jobs = (await queue.list(namespace, { limit: 100 })).items;
    t.is(jobs.filter(({ invocation: { parentId } }) => parentId === dead.requestId).length, 2);
  });
  await Promise.all(repeated);
});
