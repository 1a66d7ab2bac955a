import test from 'ava';
import { aDeadAttempt, aNamespace, anAttempt, anEnd, aRequestId, logsOf } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { textOf } from '../helpers/text-of.js';
import type { OpenStore } from './open-store.js';

/** Tests about what the sweep of ended invocations removes, and what it leaves. */
export function testRetention(driver: string, open: OpenStore): void {
  const get = shared(open);

  test.serial(`${driver}: an output is returned until it expires and is then swept`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const output = Buffer.from('{"ok":true}');
    const end = { output, response: '{"status":200}' };
    const kept = anAttempt({ namespace, final: anEnd(end) });
    const expired = anAttempt({ namespace, final: anEnd({ ...end, outputExpiresAt: Date.now() - 1 }) });
    await attempts.write([kept, expired]);
    const shown = async (row: typeof kept) =>
      textOf((await attempts.invocation(row.requestId))?.attempts[0]?.final?.output);
    t.is(await shown(kept), '{"ok":true}');
    t.is(await shown(expired), null);
    const response = async (row: typeof kept) =>
      (await attempts.invocation(row.requestId))?.attempts[0]?.final?.response;
    t.is(await response(kept), end.response);
    t.is(await response(expired), null);
    t.true((await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() })) >= 1);
    t.is(await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() }), 0);
    t.is(await shown(kept), '{"ok":true}');
  });

  test.serial(`${driver}: the response of an HTTP function is swept with its output or input`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const end = { response: '{"status":400}', outputExpiresAt: Date.now() + 600_000 };
    const rows = [
      anAttempt({ namespace, final: anEnd({ ...end, output: Buffer.from('out') }) }),
      anAttempt({ namespace, final: anEnd({ ...end, output: new Uint8Array() }) }),
      anAttempt({ namespace, final: anEnd({ ...end, state: 'error', input: Buffer.from('in') }) }),
    ];
    await attempts.write(rows);
    // By the clock of the reader they have not expired.
    while ((await attempts.sweep({ logsBefore: 0, deadBefore: 0, now: Date.now() + 700_000 })) > 0);
    for (const { requestId } of rows) {
      const final = (await attempts.invocation(requestId))?.attempts[0]?.final;
      t.like(final, { output: null, input: null, response: null });
    }
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
            return [name, textOf(final?.input)];
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

  test.serial(`${driver}: the log of a dead invocation is kept as long as other logs`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const row = aDeadAttempt({ namespace, startedAt: -900 }, { completedAt: -800 });
    await attempts.write([row]);
    const sweepAll = async (logsBefore: number) => {
      while ((await attempts.sweep({ logsBefore, deadBefore: -700, now: -1000 })) > 0);
    };
    await sweepAll(-2000);
    t.deepEqual(await attempts.deadGroups(namespace), []);
    const final = (await attempts.invocation(row.requestId))?.attempts[0]?.final;
    t.like(final, { state: 'error', reason: null, input: null });
    t.is((await logsOf(attempts, namespace)).records.length, 1);
    await sweepAll(-500);
    t.is(await attempts.invocation(row.requestId), null);
  });

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
        anAttempt({
          namespace,
          startedAt: -900,
          attempt: 0,
          isAttempt: false,
          final: anEnd({ state: 'cancelled' }),
        }),
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
