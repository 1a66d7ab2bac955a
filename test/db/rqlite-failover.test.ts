import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { openStore } from '../../db/open.js';
import { isAppError } from '../../src/errors.js';
import { aName, aNamespace, anAttempt } from '../helpers/attempt.js';
import { onRqlite } from '../helpers/on-rqlite.js';
import { startRqlite } from '../helpers/rqlited.js';
import { until } from '../helpers/until.js';

onRqlite('three nodes survive the loss of one', (binary) => {
  test('nodes lists the reachable nodes after a node is killed, and fails when all are down', async (t) => {
    const cluster = await startRqlite(binary, 3);
    t.teardown(() => cluster.close());
    const store = await openStore({ driver: 'rqlite', urls: cluster.urls });
    t.teardown(() => store.close());
    const ids = async () => (await store.nodes()).map(({ id }) => id).sort();
    t.deepEqual(await ids(), ['rqlite:n1', 'rqlite:n2', 'rqlite:n3']);
    t.deepEqual((await store.nodes()).flatMap(({ addresses }) => addresses).sort(), [...cluster.urls].sort());
    await cluster.nodes[0]?.kill('SIGKILL');
    await until('the other nodes have a leader', async () => (await ids().catch(() => [])).length === 2);
    t.deepEqual(await ids(), ['rqlite:n2', 'rqlite:n3']);
    await Promise.all(cluster.nodes.map((node) => node.kill('SIGKILL')));
    await t.throwsAsync(store.nodes(), { code: 'unavailable' });
  });

  test('every acknowledged row is stored exactly once when the leader is killed during writes', async (t) => {
    const cluster = await startRqlite(binary, 3);
    t.teardown(() => cluster.close());
    // On a busy machine an election can take longer than requests are repeated by default.
    const options = { driver: 'rqlite', urls: cluster.urls, retryForMs: 60_000 } as const;
    const stores = await Promise.all([0, 1].map(() => openStore(options)));
    t.teardown(() => Promise.all(stores.map((store) => store.close())).then(() => undefined));

    const namespace = aNamespace();
    const acknowledged = new Set<string>();
    let writing = true;
    let longestWait = 0;
    const writers = stores.flatMap((store) =>
      Array.from({ length: 3 }, async () => {
        while (writing) {
          const rows = Array.from({ length: 5 }, () => anAttempt({ namespace, messages: [] }));
          const started = performance.now();
          // Writing log rows is idempotent, so a lost response is no reason to fail.
          await store.attempts.write(rows);
          longestWait = Math.max(longestWait, performance.now() - started);
          for (const { requestId } of rows) acknowledged.add(requestId);
        }
      }),
    );
    await sleep(1_000);
    const before = acknowledged.size;
    const leader = await cluster.leader();
    await leader.kill('SIGKILL');
    await until('500 more rows are written', () => acknowledged.size >= before + 500, 120_000);
    await leader.start();
    await sleep(1_000);
    writing = false;
    await Promise.all(writers);
    t.log(`${acknowledged.size} rows, the longest wait was ${Math.round(longestWait)} ms`);

    const [store] = stores;
    const seen: string[] = [];
    for (let after = '0', done = false; !done; ) {
      const page = await store?.attempts.logs({ namespace, function: aName('hello'), limit: 2_000, after });
      seen.push(...(page?.records ?? []).map(({ request_id }) => request_id));
      done = page === undefined || page.position === after;
      after = page?.position ?? after;
    }
    const unique = new Set(seen);
    t.is(unique.size, seen.length, 'no row is stored twice');
    t.deepEqual(
      [...acknowledged].filter((id) => !unique.has(id)),
      [],
      'no acknowledged row is missing',
    );
  });

  test('the store fails with unavailable while all nodes are down, and recovers when a node restarts', async (t) => {
    const cluster = await startRqlite(binary, 1);
    t.teardown(() => cluster.close());
    const store = await openStore({ driver: 'rqlite', urls: cluster.urls, retryForMs: 500 });
    t.teardown(() => store.close());
    const row = anAttempt();
    await cluster.nodes[0]?.kill('SIGKILL');
    await t.throwsAsync(store.ping(), {
      name: 'AppError',
      code: 'unavailable',
      message: /The store cannot be reached/,
    });
    await t.throwsAsync(store.attempts.write([row]), { code: 'unavailable' });
    await cluster.nodes[0]?.start();
    for (let tries = 0; tries < 100; tries += 1) {
      const away = await store.attempts.write([row]).catch((error: unknown) => error);
      if (away === undefined) break;
      t.true(isAppError(away, 'unavailable'));
      await sleep(200);
    }
    t.is((await store.attempts.invocation(row.requestId))?.attempts.length, 1);
  });

  test('what a node answers first after its start has every acknowledged write', async (t) => {
    const cluster = await startRqlite(binary);
    t.teardown(() => cluster.close());
    // Without pauses between tries, so that the first answer is seen.
    const store = await openStore({ driver: 'rqlite', urls: cluster.urls, retryForMs: 1 });
    t.teardown(() => store.close());
    const [node] = cluster.nodes;
    // The more there is in its log, the longer a node applies it.
    for (let i = 1; i <= 500; i++) await store.settings.put('scope', 'name', String(i), null);
    for (let round = 0; round < 3; round++) {
      await node?.kill('SIGKILL');
      await node?.start();
      let answer: string | null | undefined;
      while (answer === undefined) {
        answer = await store.settings.get('scope', 'name').catch((error) => {
          if (!isAppError(error, 'unavailable')) throw error;
          return undefined;
        });
      }
      t.is(answer, '500');
    }
  });

  test('concurrent opens of a new cluster create the schema once', async (t) => {
    const cluster = await startRqlite(binary, 1);
    t.teardown(() => cluster.close());
    const stores = await Promise.all(
      [1, 2, 3].map(() => openStore({ driver: 'rqlite', urls: cluster.urls })),
    );
    await stores[0]?.settings.put('a', 'b', 'c', null);
    t.is(await stores[2]?.settings.get('a', 'b'), 'c');
    await Promise.all(stores.map((store) => store.close()));
  });
});
