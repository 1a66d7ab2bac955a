import test from 'ava';
import type { Namespace } from '../../src/contract/ids.js';
import { aDeadAttempt, aName, aNamespace, aRequestId, logsOf } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { textOf } from '../helpers/text-of.js';
import type { OpenStore } from './open-store.js';

/** Tests about dead invocations: their takeover for a replay, count, groups and purge. */
export function testDeadLetters(driver: string, open: OpenStore): void {
  const get = shared(open);

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
    t.is(textOf(won[0]?.final?.input), '{"n":1}');
    t.is(won[0]?.final?.callerWallet, '0xabc');
    const after = await one.attempts.invocation(row.requestId);
    t.is(after?.attempts[0]?.final?.state, 'timeout');
    t.is((await logsOf(one.attempts, row.namespace)).records.length, 1);
    await two.close();
  });

  test(`${driver}: dead invocations are counted by reason and purged by function, and their logs are kept`, async (t) => {
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

  test(`${driver}: many dead invocations are counted in steps, between which others are served`, async (t) => {
    const { attempts, settings } = await get();
    const [namespace = aNamespace(), last = aNamespace()] = [aNamespace(), aNamespace()].sort();
    const dead = (of: Namespace, reason: string, number: number) =>
      Array.from({ length: number }, (_, n) =>
        aDeadAttempt({ namespace: of }, { reason, completedAt: 1000 + n }),
      );
    await attempts.write(dead(namespace, 'error', 9_000));
    await attempts.write([...dead(namespace, 'timeout', 3_000), ...dead(last, 'error', 2_000)]);
    let counting = true;
    const counted = Promise.all([attempts.countDead(), attempts.deadGroups(namespace)]).finally(() => {
      counting = false;
    });
    let served = 0;
    for (; counting; served += 1) await settings.get('scope', 'name');
    const [all, groups] = await counted;
    t.deepEqual(
      all.filter((one) => one.namespace === namespace || one.namespace === last),
      [
        { namespace, reason: 'error', count: 9_000 },
        { namespace, reason: 'timeout', count: 3_000 },
        { namespace: last, reason: 'error', count: 2_000 },
      ],
    );
    const hello = { function: 'hello', oldestAt: 1000 };
    t.deepEqual(groups, [
      { ...hello, reason: 'error', count: 9_000, newestAt: 9_999 },
      { ...hello, reason: 'timeout', count: 3_000, newestAt: 3_999 },
    ]);
    t.true(served > 5, `${served} reads`);
  });

  test(`${driver}: many dead invocations are purged in steps, between which others are served`, async (t) => {
    const { attempts, settings } = await get();
    const namespace = aNamespace();
    const input = Buffer.alloc(2_000, 'x');
    const rows = Array.from({ length: 5_200 }, () => aDeadAttempt({ namespace }, { input }));
    await attempts.write(rows);
    let purging = true;
    const purged = attempts.purgeDead(namespace, aName('hello')).finally(() => {
      purging = false;
    });
    let served = 0;
    for (; purging; served += 1) await settings.get('scope', 'name');
    t.is(await purged, rows.length);
    t.true(served > 5, `${served} reads`);
    t.deepEqual(await attempts.deadGroups(namespace), []);
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
}
