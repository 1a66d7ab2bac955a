import test from 'ava';
import { MAX_CALLBACK_ATTEMPTS, MB } from '../../src/contract/limits.js';
import type { StoredTrace } from '../../src/ports/store/traces.js';
import { aDeadAttempt, aName, aNamespace, anAttempt, anEnd, aRequestId, logsOf } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './store.js';

const text = (bytes: Uint8Array | null | undefined) =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString();

/** Tests about ended invocations: their list, dead letters, outputs and count, and the sweep. */
export function testEndedInvocations(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: ended invocations are listed with all attempts, newest first, filtered and in pages`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const retried = aRequestId();
    await attempts.write([
      anAttempt({ namespace, requestId: retried, acceptedAt: 200, status: 'error' }),
      anAttempt({ namespace, requestId: retried, attempt: 2, acceptedAt: 200, final: anEnd() }),
      anAttempt({ namespace, acceptedAt: 100, final: anEnd({ output: Buffer.from('one') }) }),
      anAttempt({ namespace, acceptedAt: 300, status: 'error' }),
      aDeadAttempt({ namespace, acceptedAt: 400, function: aName('other') }),
    ]);
    const list = (more = {}) => attempts.list({ namespace, limit: 10, ...more });
    const accepted = (items: Awaited<ReturnType<typeof list>>['items']) =>
      items.map((item) => [item.attempts[0]?.acceptedAt, item.attempts.length]);

    const all = await list();
    t.deepEqual(accepted(all.items), [
      [400, 1],
      [200, 2],
      [100, 1],
    ]);
    t.is(all.nextCursor, null);
    t.deepEqual(all.items[0]?.attempts[0]?.messages, []);
    t.deepEqual(accepted((await list({ state: 'dead' })).items), [[400, 1]]);
    t.deepEqual(accepted((await list({ state: 'dead', reason: 'expired' })).items), []);
    t.deepEqual(accepted((await list({ function: aName('other') })).items), [[400, 1]]);
    t.deepEqual(accepted((await list({ since: 200, before: 400 })).items), [[200, 2]]);

    const pages: unknown[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await list({ limit: 1, ...(cursor ? { cursor } : {}) });
      pages.push(...accepted(page.items));
      cursor = page.nextCursor;
    } while (cursor !== null);
    t.deepEqual(pages, accepted(all.items));
    await t.throwsAsync(list({ cursor: "1' or 1" }), { message: /cursor/ });
  });

  test(`${driver}: a page of large invocations ends before the limit, and the next page continues after it`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const output = Buffer.alloc(MB, 'x');
    const rows = Array.from({ length: 12 }, (_, at) =>
      anAttempt({ namespace, acceptedAt: 100 + at, final: anEnd({ output }) }),
    );
    await attempts.write(rows);
    const listed: string[] = [];
    const pages: number[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await attempts.list({ namespace, limit: 10, ...(cursor ? { cursor } : {}) });
      pages.push(page.items.length);
      listed.push(...page.items.flatMap((item) => item.attempts.map(({ requestId }) => requestId)));
      t.true(page.items.every((item) => item.attempts[0]?.final?.output?.byteLength === MB));
      cursor = page.nextCursor;
    } while (cursor !== null);
    t.deepEqual(listed, rows.map(({ requestId }) => requestId).reverse());
    t.true(Math.max(...pages) < 9 && pages.length === 2, pages.join());
  });

  test(`${driver}: a large page of logs reports omitted messages, and reading after a position returns all`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const messages = Array.from({ length: 64 }, () => ({
      level: 'info' as const,
      message: 'x'.repeat(16 << 10),
      timestamp: new Date().toISOString(),
    }));
    const { position: start } = await logsOf(attempts, namespace);
    const rows = Array.from({ length: 12 }, (_, at) =>
      anAttempt({ namespace, startedAt: 100 + at, messages }),
    );
    await attempts.write(rows);
    const { records } = await logsOf(attempts, namespace);
    t.deepEqual(
      records.map((record) => record.request_id),
      rows.map(({ requestId }) => requestId).reverse(),
    );
    const shown = records.filter((record) => record.messages.length === 64).length;
    t.true(shown > 4 && shown < 9, String(shown));
    for (const record of records.slice(shown)) {
      t.is(record.messages.length, 1);
      t.like(record.messages[0], { level: 'warn' });
      t.regex(record.messages[0]?.message ?? '', /8 MB.*request_id/);
    }
    const [oldest] = (await logsOf(attempts, namespace, { requestId: rows[0]?.requestId })).records;
    t.is(oldest?.messages.length, 64);

    const followed: string[] = [];
    let after = start;
    for (let round = 0; round < 4; round += 1) {
      const batch = await logsOf(attempts, namespace, { after });
      t.true(batch.records.length < 9 && batch.records.every((record) => record.messages.length === 64));
      followed.push(...batch.records.map((record) => record.request_id));
      after = batch.position;
    }
    t.deepEqual(
      followed,
      rows.map(({ requestId }) => requestId),
    );
  });

  test(`${driver}: the state of an invocation that ran again after dying is that of its last attempt`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const requestId = aRequestId();
    await attempts.write([aDeadAttempt({ namespace, requestId })]);
    await attempts.write([anAttempt({ namespace, requestId, attempt: 2, final: anEnd() })]);
    const { items } = await attempts.list({ namespace, limit: 10 });
    t.deepEqual(
      items.map((item) => item.attempts.at(-1)?.final?.state),
      ['success'],
    );
    t.is((await attempts.list({ namespace, limit: 10, state: 'dead' })).items.length, 0);
    t.is(await attempts.takeDead(requestId), null);
    t.is((await attempts.countDead()).filter((one) => one.namespace === namespace).length, 0);
  });

  test(`${driver}: only one of concurrent takeDead calls gets a dead invocation, and its log is kept`, async (t) => {
    const [one, two] = [await get(), await open()];
    const row = aDeadAttempt({ namespace: aNamespace(), status: 'timeout' }, { callerWallet: '0xabc' });
    await one.attempts.write([row]);
    const taken = await Promise.all(
      Array.from({ length: 6 }, (_, at) => (at % 2 ? one : two).attempts.takeDead(row.requestId)),
    );
    const won = taken.filter((each) => each !== null);
    t.is(won.length, 1);
    t.is(won[0]?.final?.state, 'dead');
    t.is(text(won[0]?.final?.input), '{"n":1}');
    t.is(won[0]?.final?.callerWallet, '0xabc');
    const after = await one.attempts.invocation(row.requestId);
    t.is(after?.attempts[0]?.final?.state, 'timeout');
    t.is((await logsOf(one.attempts, row.namespace)).records.length, 1);
    await two.close();
  });

  test(`${driver}: dead invocations are counted by reason and purged by function, and their logs are kept, and their logs are kept`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const mine = [aDeadAttempt({ namespace }), aDeadAttempt({ namespace }, { reason: 'worker_died' })];
    const other = aDeadAttempt({ namespace, function: aName('other') });
    await attempts.write([...mine, other]);
    const counts = async () =>
      (await attempts.countDead())
        .filter((one) => one.namespace === namespace)
        .map(({ reason, count }) => [reason, count]);
    t.deepEqual(await counts(), [
      ['error', 2],
      ['worker_died', 1],
    ]);
    t.is(await attempts.purgeDead(namespace, aName('hello')), 2);
    t.is(await attempts.purgeDead(namespace, aName('hello')), 0);
    t.deepEqual(await counts(), [['error', 1]]);
    t.is((await logsOf(attempts, namespace)).records.length, 2, 'its log stays');
    t.is(await attempts.takeDead(mine[0]?.requestId ?? aRequestId()), null);
  });

  test(`${driver}: dead invocations are grouped by function and reason, and purged by id and reason`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const ended = (completedAt: number, reason = 'error') => ({ completedAt, reason });
    const [first, second, other, foreign] = [
      aDeadAttempt({ namespace }, ended(100)),
      aDeadAttempt({ namespace }, ended(300)),
      aDeadAttempt({ namespace, function: aName('other') }, ended(200, 'timeout')),
      aDeadAttempt({ namespace: aNamespace() }),
    ];
    await attempts.write([first, second, other, foreign]);
    const hello = { function: 'hello', reason: 'error', oldestAt: 100, newestAt: 300 };
    const timedOut = { function: 'other', reason: 'timeout', count: 1, oldestAt: 200, newestAt: 200 };
    t.deepEqual(await attempts.deadGroups(namespace), [{ ...hello, count: 2 }, timedOut]);
    // Ids of another function or namespace, or not dead any more, are ignored.
    const ids = [first, other, foreign].map(({ requestId }) => requestId);
    t.is(await attempts.purgeDead(namespace, aName('hello'), { ids, reason: 'timeout' }), 0);
    t.is(await attempts.purgeDead(namespace, aName('hello'), { ids }), 1);
    t.is(await attempts.purgeDead(namespace, aName('hello'), { ids }), 0);
    t.deepEqual(await attempts.deadGroups(namespace), [{ ...hello, count: 1, oldestAt: 300 }, timedOut]);
    t.is((await attempts.deadGroups(foreign.namespace)).length, 1);
  });

  test(`${driver}: traces are stored by attempt and namespace, and swept by age`, async (t) => {
    const { traces } = await get();
    const namespace = aNamespace();
    const requestId = aRequestId();
    const traceOf = (attempt: number): StoredTrace => ({
      namespace,
      function: aName('traced'),
      trace: {
        request_id: requestId,
        attempt,
        truncated: false,
        calls: [
          {
            ...{ call: 'cache_get', about: 'k\u0000\ud800', digest: 'd', started_ms: 0.5, duration_ms: 1 },
            result: { kind: 'bytes', base64: 'AP8=' },
          },
        ],
      },
    });
    t.is(await traces.get(namespace, requestId), null);
    await traces.put(traceOf(1));
    await traces.put(traceOf(2));
    // After a crash, the same attempt may be recorded again.
    await traces.put(traceOf(2));
    t.deepEqual(await traces.get(namespace, requestId), traceOf(2));
    t.deepEqual(await traces.get(namespace, requestId, 1), traceOf(1));
    t.is(await traces.get(namespace, requestId, 3), null);
    t.is(await traces.get(aNamespace(), requestId), null);
    t.is(await traces.sweep(Date.now() - 60_000), 0);
    while ((await traces.sweep(Date.now() + 60_000)) > 0);
    t.is(await traces.get(namespace, requestId), null);
  });

  test.serial(`${driver}: an output is returned until it expires and is then swept`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const output = Buffer.from('{"ok":true}');
    const kept = anAttempt({ namespace, final: anEnd({ output }) });
    const expired = anAttempt({ namespace, final: anEnd({ output, outputExpiresAt: Date.now() - 1 }) });
    await attempts.write([kept, expired]);
    const shown = async (row: typeof kept) =>
      text((await attempts.invocation(row.requestId))?.attempts[0]?.final?.output);
    t.is(await shown(kept), '{"ok":true}');
    t.is(await shown(expired), null);
    t.true((await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() })) >= 1);
    t.is(await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() }), 0);
    t.is(await shown(kept), '{"ok":true}');
  });

  test.serial(
    `${driver}: inputs are swept with expired outputs, except those of dead and replayed invocations`,
    async (t) => {
      const { attempts } = await get();
      const namespace = aNamespace();
      const past = { input: Buffer.from('in'), outputExpiresAt: Date.now() - 1 };
      const rows = {
        success: anAttempt({ namespace, final: anEnd({ ...past, output: Buffer.from('out') }) }),
        failure: anAttempt({ namespace, status: 'error', final: anEnd({ ...past, state: 'error' }) }),
        kept: anAttempt({ namespace, status: 'error', final: anEnd({ state: 'error', input: past.input }) }),
        dead: aDeadAttempt({ namespace }, { ...past, output: Buffer.from('out') }),
        replayed: aDeadAttempt({ namespace }, past),
      };
      await attempts.write(Object.values(rows));
      await attempts.takeDead(rows.replayed.requestId);
      const inputs = async () => {
        const found = await Promise.all(
          Object.entries(rows).map(async ([name, { requestId }]) => {
            const final = (await attempts.invocation(requestId))?.attempts.at(-1)?.final;
            return [name, text(final?.input)];
          }),
        );
        return Object.fromEntries(found);
      };
      const shown = { success: null, failure: null, kept: 'in', dead: 'in', replayed: 'in' };
      t.deepEqual(await inputs(), shown);
      while ((await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() })) > 0);
      t.deepEqual(await inputs(), shown);
      // Swept data is gone, regardless of the clock.
      t.is(await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() }), 0);
      const { items } = await attempts.list({ namespace, limit: 10 });
      t.is(items.filter((item) => item.attempts[0]?.final?.input).length, 3);
      t.is((await attempts.invocation(rows.replayed.requestId))?.attempts[0]?.final?.state, 'error');
    },
  );

  test(`${driver}: invocations are listed by their parent, newest first`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const parentId = aRequestId();
    await attempts.write([
      anAttempt({ namespace, parentId, acceptedAt: 100, exitCode: 0, final: anEnd() }),
      anAttempt({ namespace, parentId, acceptedAt: 200, exitCode: 65, final: anEnd({ state: 'error' }) }),
      anAttempt({ namespace, parentId: aRequestId(), final: anEnd() }),
      anAttempt({ namespace, final: anEnd() }),
      anAttempt({ namespace: aNamespace(), parentId, final: anEnd() }),
    ]);
    const { items } = await attempts.list({ namespace, parentId, limit: 10 });
    t.deepEqual(
      items.map(({ attempts: [one] }) => [one?.acceptedAt, one?.parentId, one?.exitCode]),
      [
        [200, parentId, 65],
        [100, parentId, 0],
      ],
    );
    const failed = await attempts.list({ namespace, parentId, state: 'error', limit: 10 });
    t.is(failed.items.length, 1);
  });

  test(`${driver}: invocations are listed by their message, newest first`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const messageId = aRequestId();
    await attempts.write([
      anAttempt({ namespace, messageId, acceptedAt: 100, final: anEnd() }),
      anAttempt({ namespace, messageId, acceptedAt: 200, final: anEnd({ state: 'error' }) }),
      anAttempt({ namespace, messageId: aRequestId(), final: anEnd() }),
      anAttempt({ namespace, final: anEnd() }),
      anAttempt({ namespace: aNamespace(), messageId, final: anEnd() }),
    ]);
    const { items } = await attempts.list({ namespace, messageId, limit: 10 });
    t.deepEqual(
      items.map(({ attempts: [one] }) => [one?.acceptedAt, one?.messageId]),
      [
        [200, messageId],
        [100, messageId],
      ],
    );
  });

  test(`${driver}: callback attempts are counted with their result and last error, and swept by age`, async (t) => {
    const { callbacks } = await get();
    const namespace = aNamespace();
    const [tried, untold] = [aRequestId(), aRequestId()];
    await callbacks.add({ id: tried, namespace, url: 'http://receiver/', bytes: 7 });
    t.deepEqual((await callbacks.get([tried, untold])).get(tried), {
      url: 'http://receiver/',
      attempts: 0,
      deliveredAt: null,
      lastError: null,
    });
    await callbacks.attempted(tried, 'http://receiver/', {
      deliveredAt: null,
      error: 'status 500',
      isLast: false,
    });
    await callbacks.add({ id: tried, namespace, url: 'http://receiver/', bytes: 7 });
    t.like((await callbacks.get([tried])).get(tried), { attempts: 1, lastError: 'status 500' });
    await callbacks.attempted(tried, 'http://receiver/', { deliveredAt: 7, error: null, isLast: true });
    await callbacks.attempted(tried, 'http://receiver/', { deliveredAt: 9, error: null, isLast: true });
    t.like((await callbacks.get([tried])).get(tried), { attempts: 3, deliveredAt: 7, lastError: null });
    // The store was unreachable when the callback was to be added.
    await callbacks.attempted(untold, 'http://other/', { deliveredAt: null, error: 'x', isLast: false });
    t.like((await callbacks.get([untold])).get(untold), { url: 'http://other/', attempts: 1 });
    t.is((await callbacks.get([])).size, 0);
    t.is(await callbacks.sweep(Date.now() - 60_000), 0);
    while ((await callbacks.sweep(Date.now() + 60_000)) > 0);
    t.is((await callbacks.get([tried, untold])).size, 0);
  });

  // Serial, since the test above deletes the callbacks of all.
  test.serial(
    `${driver}: callbacks wait until they are delivered, given up or tried often enough`,
    async (t) => {
      const { callbacks } = await get();
      const namespace = aNamespace();
      const url = 'http://receiver/';
      const ids = [aRequestId(), aRequestId(), aRequestId(), aRequestId()] as const;
      for (const [at, id] of ids.entries()) await callbacks.add({ id, namespace, url, bytes: 10 ** at });
      await callbacks.add({ id: aRequestId(), namespace: aNamespace(), url, bytes: 5 });
      t.deepEqual(await callbacks.waiting(namespace), { count: 4, bytes: 1111 });
      const failed = { deliveredAt: null, error: 'status 500', isLast: false };
      for (const id of ids) await callbacks.attempted(id, url, failed);
      t.deepEqual(await callbacks.waiting(namespace), { count: 4, bytes: 1111 });
      await callbacks.attempted(ids[0], url, { deliveredAt: 7, error: null, isLast: false });
      t.deepEqual(await callbacks.waiting(namespace), { count: 3, bytes: 1110 });
      await callbacks.attempted(ids[1], url, { ...failed, isLast: true });
      t.deepEqual(await callbacks.waiting(namespace), { count: 2, bytes: 1100 });
      for (let n = 2; n < MAX_CALLBACK_ATTEMPTS; n += 1) await callbacks.attempted(ids[2], url, failed);
      t.deepEqual(await callbacks.waiting(namespace), { count: 2, bytes: 1100 });
      await callbacks.attempted(ids[2], url, failed);
      t.deepEqual(await callbacks.waiting(namespace), { count: 1, bytes: 1000 });
      t.deepEqual(await callbacks.waiting(aNamespace()), { count: 0, bytes: 0 });
    },
  );

  test.serial(
    `${driver}: the sweep removes old logs, and dead invocations with all attempts by their own limit`,
    async (t) => {
      const { attempts } = await get();
      const namespace = aNamespace();
      const dead = aRequestId();
      await attempts.write([
        anAttempt({ namespace, startedAt: -900, final: anEnd() }),
        anAttempt({ namespace, requestId: dead, startedAt: -900, status: 'error' }),
        aDeadAttempt({ namespace, requestId: dead, attempt: 2, startedAt: -900 }, { completedAt: -800 }),
        anAttempt({ namespace, startedAt: -100, final: anEnd() }),
      ]);
      const sweepAll = async (logsBefore: number, deadBefore: number) => {
        while ((await attempts.sweep({ logsBefore, deadBefore, now: -1000 })) > 0);
      };
      const left = async () => (await logsOf(attempts, namespace)).records.length;
      await sweepAll(-900, -900);
      t.is(await left(), 4);
      await sweepAll(-500, -900);
      t.is(await left(), 3);
      t.is((await attempts.invocation(dead))?.attempts.length, 2);
      await sweepAll(-500, -700);
      t.is(await left(), 1);
      t.is(await attempts.invocation(dead), null);
    },
  );

  test.serial(
    `${driver}: countEnded counts an invocation once, even if its rows are replaced, replayed or swept`,
    async (t) => {
      const [{ attempts }, other] = [await get(), await open()];
      const namespace = aNamespace();
      const before = await attempts.countEnded();
      const counted = async () => {
        const both = await Promise.all([attempts.countEnded(), other.attempts.countEnded()]);
        t.is(both[0], both[1]);
        return both[0] - before;
      };
      const [twice, late, alsoLate] = [aRequestId(), aRequestId(), aRequestId()];
      const died = [late, alsoLate].map((requestId) =>
        anAttempt({ namespace, requestId, startedAt: -900, status: 'error' }),
      );
      const dead = aDeadAttempt({ namespace, startedAt: -900 }, { completedAt: -900 });
      await attempts.write([
        ...died,
        dead,
        anAttempt({ namespace, startedAt: -900, final: anEnd() }),
        anAttempt({ namespace, startedAt: -900, attempt: 0, final: anEnd({ state: 'cancelled' }) }),
        anAttempt({ namespace, startedAt: -900, status: 'error' }),
        anAttempt({ namespace, startedAt: -900, requestId: twice, attempt: 2, final: anEnd() }),
      ]);
      t.is(await counted(), 4);
      // The end of an invocation that was considered dead, and an end of an earlier attempt of an
      // ended invocation.
      await attempts.write([
        ...died.map((row) => ({ ...row, final: anEnd() })),
        anAttempt({ namespace, startedAt: -900, requestId: twice, attempt: 1, final: anEnd() }),
      ]);
      t.is(await counted(), 6);
      await attempts.takeDead(dead.requestId);
      await attempts.write([anAttempt({ namespace, startedAt: -900, final: anEnd() })]);
      while ((await attempts.sweep({ logsBefore: -1, deadBefore: -1, now: -1000 })) > 0);
      t.is((await logsOf(attempts, namespace)).records.length, 0);
      t.is(await counted(), 7);
      await other.close();
    },
  );
}
