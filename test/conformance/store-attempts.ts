import test from 'ava';
import { aName, aNamespace, anAttempt, anEnd, aRequestId, logsOf } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import type { OpenStore } from './open-store.js';

/** The fields of a row whose attempt did not run, or was not seen to the end. */
const NOT_RUN = { durationMs: 0, outputSize: 0, memoryPeakMb: 0, messages: [] };

/** Tests about writing attempts, and about reading them by invocation and as a log. */
export function testAttempts(driver: string, open: OpenStore): void {
  const get = shared(open);

  test(`${driver}: an attempt is read back as written, and an unknown invocation is null`, async (t) => {
    const { attempts } = await get();
    const output = Uint8Array.from({ length: 256 }, (_, at) => at);
    const row = anAttempt({
      namespace: aNamespace(),
      status: 'timeout',
      error: 'tab\té "quoted" \\ 12345678901234567890',
      triggerDepth: 2,
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      messages: [
        { level: 'warn', message: 'NUL \0, "quotes", \u{1f600}', timestamp: '2026-01-01T00:00:00.000Z' },
      ],
      final: anEnd({
        ...{ state: 'dead', reason: 'timeout', output, input: output, callerWallet: '0xabc' },
        response: '{"status":404,"headers":{"a":"é\\""}}',
      }),
    });
    await attempts.write([row]);
    const read = await attempts.invocation(row.requestId);
    t.is(read?.attempts.length, 1);
    const [first] = read?.attempts ?? [];
    t.deepEqual([...(first?.final?.output ?? [])], [...output]);
    t.deepEqual([...(first?.final?.input ?? [])], [...output]);
    t.deepEqual(
      { ...first, final: { ...first?.final, output: null, input: null } },
      // Messages are read with the log only.
      { ...row, messages: [], final: { ...anEnd(), ...row.final, output: null, input: null } },
    );
    t.is(await attempts.invocation(aRequestId()), null);
  });

  test(`${driver}: a log record has the fields of the contract`, async (t) => {
    const { attempts } = await get();
    const row = anAttempt({ namespace: aNamespace(), startedAt: 1_790_000_000_123 });
    await attempts.write([row]);
    const { records } = await logsOf(attempts, row.namespace);
    t.deepEqual(records, [
      {
        request_id: row.requestId,
        function: row.function,
        version: 1,
        trigger: 'http',
        attempt: 1,
        status: 'success',
        started_at: '2026-09-21T14:13:20.123Z',
        duration_ms: 1.25,
        input_size: 2,
        output_size: 11,
        memory_peak_mb: 3.5,
        error: null,
        messages: row.messages,
      },
    ]);
  });

  test(`${driver}: NUL and unpaired surrogates in text fields are stored as U+FFFD, and times as integers`, async (t) => {
    const { attempts } = await get();
    const half = 'a\ud83d';
    const row = anAttempt({
      namespace: aNamespace(),
      error: `before\0after ${half} \ude00 \u{1f600}`,
      messages: [{ level: 'info', message: `${half}\0`, timestamp: '' }],
      startedAt: 1_790_000_000_000.6,
      acceptedAt: 1_790_000_000_000.2,
      final: anEnd({ callerWallet: half, completedAt: 1_790_000_000_009.9 }),
    });
    await attempts.write([row]);
    const read = await attempts.invocation(row.requestId);
    const [first] = read?.attempts ?? [];
    t.is(first?.error, 'before\ufffdafter a\ufffd \ufffd \u{1f600}');
    t.is(first?.final?.callerWallet, 'a\ufffd');
    t.is(first?.startedAt, 1_790_000_000_001);
    t.is((await logsOf(attempts, row.namespace)).records.length, 1);
  });

  test(`${driver}: writing an attempt again does not change the stored row`, async (t) => {
    const { attempts } = await get();
    const row = anAttempt({ namespace: aNamespace() });
    await attempts.write([row, row]);
    await attempts.write([{ ...row, status: 'error' }]);
    const { records } = await logsOf(attempts, row.namespace);
    t.deepEqual(
      records.map(({ status }) => status),
      ['success'],
    );
  });

  test(`${driver}: a final row replaces a row of the same attempt that is not final, and is never replaced`, async (t) => {
    const { attempts } = await get();
    const died = anAttempt({ namespace: aNamespace(), status: 'error', error: 'worker died' });
    const end = anEnd({ state: 'dead', reason: 'worker_died', input: Buffer.from('in') });
    await attempts.write([died]);
    await attempts.write([{ ...died, error: 'worker died (3 times)', final: end }]);
    await attempts.write([died, { ...died, final: anEnd() }]);
    const [row] = (await attempts.invocation(died.requestId))?.attempts ?? [];
    t.is(row?.final?.state, 'dead');
    t.is(row?.error, 'worker died (3 times)');
    t.deepEqual(row?.final?.input, new Uint8Array(Buffer.from('in')));
  });

  test(`${driver}: a final row of a run replaces all of a row of a worker that was thought dead`, async (t) => {
    const { attempts } = await get();
    const message = { level: 'info' as const, message: 'it ran', timestamp: '2026-01-01T00:00:00Z' };
    const ran = anAttempt({ namespace: aNamespace(), durationMs: 12, messages: [message], final: anEnd() });
    const died = { ...ran, ...NOT_RUN, status: 'error' as const, error: 'worker died', final: null };
    await attempts.write([{ ...died, startedAt: ran.startedAt + 5_000 }]);
    await attempts.write([ran]);
    const [row] = (await attempts.invocation(ran.requestId))?.attempts ?? [];
    t.is(row?.status, 'success');
    t.is(row?.error, null);
    t.is(row?.startedAt, ran.startedAt);
    t.is(row?.durationMs, 12);
    t.is(row?.outputSize, ran.outputSize);
    t.is(row?.memoryPeakMb, ran.memoryPeakMb);
    const { records } = await logsOf(attempts, ran.namespace);
    t.deepEqual(
      records.map(({ messages }) => messages),
      [[message]],
    );
  });

  test(`${driver}: a final row without a run keeps what the replaced row tells of its run`, async (t) => {
    const { attempts } = await get();
    const message = { level: 'info' as const, message: 'it ran', timestamp: '2026-01-01T00:00:00Z' };
    const ran = anAttempt({
      namespace: aNamespace(),
      status: 'timeout',
      durationMs: 12,
      messages: [message],
    });
    const end = anEnd({ state: 'dead', reason: 'worker_died' });
    await attempts.write([ran]);
    await attempts.write([
      { ...ran, ...NOT_RUN, status: 'error', error: 'worker died (3 times)', final: end },
    ]);
    const [row] = (await attempts.invocation(ran.requestId))?.attempts ?? [];
    t.is(row?.final?.state, 'dead');
    t.is(row?.error, 'worker died (3 times)');
    t.is(row?.status, 'timeout');
    t.is(row?.durationMs, 12);
    const { records } = await logsOf(attempts, ran.namespace);
    t.deepEqual(
      records.map(({ messages }) => messages),
      [[message]],
    );
  });

  test(`${driver}: 1,203 rows with messages of up to 1 MB are written in one call`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const large = { level: 'info' as const, message: 'x'.repeat(1 << 20), timestamp: '' };
    const rows = Array.from({ length: 1_203 }, (_, at) =>
      anAttempt({ namespace, startedAt: at, messages: at < 9 ? [large] : [] }),
    );
    await attempts.write(rows);
    await attempts.write([]);
    const { records } = await logsOf(attempts, namespace, { limit: 5000 });
    t.deepEqual(
      records.map(({ request_id }) => request_id),
      rows.map(({ requestId }) => requestId).reverse(),
    );
    const [oldest] = (await logsOf(attempts, namespace, { requestId: rows[0]?.requestId })).records;
    t.is(oldest?.messages[0]?.message.length, 1 << 20);
  });

  test(`${driver}: an end without another attempt is the last row, and not in the logs`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    for (const before of [0, 1, 9, 26]) {
      const requestId = aRequestId();
      const rows = Array.from({ length: before }, (_, n) =>
        anAttempt({ namespace, requestId, attempt: n + 1, status: 'error' }),
      );
      const end = anAttempt({
        ...{ namespace, requestId, attempt: before, isAttempt: false, durationMs: 0, error: 'cancelled' },
        final: anEnd({ state: 'cancelled' }),
      });
      await attempts.write([end, ...rows.toReversed()]);
      const read = (await attempts.invocation(requestId))?.attempts.map((row) => [
        row.attempt,
        row.isAttempt,
      ]);
      t.deepEqual(read, [...rows.map((row) => [row.attempt, true]), [before, false]]);
      const { items } = await attempts.list({ namespace, limit: 1 });
      t.like(items[0]?.attempts.at(-1), { requestId, attempt: before, isAttempt: false, error: 'cancelled' });
      t.is((await logsOf(attempts, namespace, { requestId })).records.length, before);
    }
  });

  test(`${driver}: logs are ordered newest first and filtered by limit, since, status and request id`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const requestId = aRequestId();
    await attempts.write([
      anAttempt({ namespace, requestId, attempt: 1, startedAt: 100, status: 'error' }),
      anAttempt({ namespace, startedAt: 300 }),
      anAttempt({ namespace, requestId, attempt: 2, startedAt: 200, status: 'timeout' }),
      anAttempt({ namespace, function: aName('other'), startedAt: 400 }),
      anAttempt({
        namespace,
        attempt: 0,
        isAttempt: false,
        startedAt: 500,
        final: anEnd({ state: 'cancelled' }),
      }),
      anAttempt({ namespace: aNamespace(), startedAt: 600 }),
    ]);
    const starts = async (more = {}) =>
      (await logsOf(attempts, namespace, more)).records.map((one) => Date.parse(one.started_at));
    t.deepEqual(await starts(), [300, 200, 100]);
    t.deepEqual(await starts({ limit: 2 }), [300, 200]);
    t.deepEqual(await starts({ since: 200 }), [300, 200]);
    t.deepEqual(await starts({ status: 'error' }), [100]);
    t.deepEqual(await starts({ requestId }), [200, 100]);
    t.deepEqual(await starts({ requestId: aRequestId() }), []);
  });

  test(`${driver}: reading logs after a position returns each later row once, in order of writing`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    await attempts.write([anAttempt({ namespace, startedAt: 5 })]);
    const first = await logsOf(attempts, namespace);
    const none = await logsOf(attempts, namespace, { after: first.position });
    t.deepEqual(none.records, []);

    // A long attempt is written after one that started later.
    await attempts.write([anAttempt({ namespace, startedAt: 3 }), anAttempt({ namespace: aNamespace() })]);
    await attempts.write([1, 2].map((startedAt) => anAttempt({ namespace, startedAt })));
    const seen: number[] = [];
    let after = none.position;
    for (let page = 0; page < 5; page += 1) {
      const { records, position } = await logsOf(attempts, namespace, { after, limit: 2 });
      seen.push(...records.map((one) => Date.parse(one.started_at)));
      after = position;
    }
    t.deepEqual(seen, [3, 1, 2]);
    await t.throwsAsync(async () => logsOf(attempts, namespace, { after: 'x' }), { message: /position/ });
  });

  test(`${driver}: the position of an empty log can be used to read later rows`, async (t) => {
    const { attempts } = await get();
    const namespace = aNamespace();
    const { records, position } = await logsOf(attempts, namespace);
    t.deepEqual(records, []);
    await attempts.write([anAttempt({ namespace })]);
    t.is((await logsOf(attempts, namespace, { after: position })).records.length, 1);
  });
}
