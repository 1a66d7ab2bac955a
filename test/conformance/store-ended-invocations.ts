import test from 'ava';
import { MB } from '../../src/contract/limits.js';
import { aDeadAttempt, aName, aNamespace, anAttempt, anEnd, aRequestId, logsOf } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

/** Tests about the lists of ended invocations and of their logs. */
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
}
