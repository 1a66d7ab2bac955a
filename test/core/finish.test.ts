import anyTest from 'ava';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { InvocationEnd } from '../../src/core/invocations/finish.js';
import { endedRecord } from '../../src/core/invocations/invocation-record.js';
import type { InvokeRequest } from '../../src/core/invocations/invoke.js';
import { newEnd } from '../../src/core/invocations/new-attempt.js';
import type { Invocation } from '../../src/ports/queue.js';
import { aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { accepted, failed, finalOf, succeeded } from './ends.js';
import { openUseCases, type UseCases } from './use-cases.js';

// Serial, since the tests check the last metrics.
const { serial: test } = anyTest;

const directory = tempDir();
const useCases = shared(() => openUseCases(directory));

/** Starts a call that waits, and returns it with its invocation. */
async function called(cases: UseCases, fn: FunctionVersion, given: Partial<InvokeRequest> = {}) {
  let id: Invocation['id'] | undefined;
  const call = cases.invoker.call(
    { namespace: fn.namespace, function: fn.name, input: Buffer.from('{}'), trigger: 'http', ...given },
    {
      waitMs: 60_000,
      onAccepted(accepted) {
        id = accepted;
      },
    },
  );
  const { invocation } = await until(
    'the job is on the queue',
    async () => id !== undefined && cases.queue.get(id),
  );
  return { call, invocation };
}

test('finish stores the final state, input and output before it resolves', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const invocation = await accepted(cases, fn);
  await cases.finisher.finish(succeeded(invocation, fn));
  const final = await finalOf(cases, invocation);
  t.is(final?.state, 'success');
  t.is(Buffer.from(final?.output ?? []).toString(), '{"ok":true}');
  t.is(Buffer.from(final?.input ?? []).toString(), '{"n":1}', 'kept for a replay');
  t.deepEqual(cases.metered.at(-1), ['ended', 'success', null]);
});

test('a waiting caller receives the reply', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const { call, invocation } = await called(cases, fn);
  await cases.finisher.finish(succeeded(invocation, fn));
  const { reply } = await call;
  t.is(reply?.status, 'success');
  t.is(Buffer.from(reply?.output ?? []).toString(), '{"ok":true}');
});

test('a failure delivered to a caller ends as error, and an undelivered failure becomes a dead letter', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const { call, invocation: heard } = await called(cases, fn);
  await cases.finisher.finish(failed(heard, fn));
  t.is((await call).reply?.error, 'exited with code 1');
  t.like(await finalOf(cases, heard), { state: 'error', reason: null });

  const unheard = await accepted(cases, fn);
  await cases.finisher.finish(failed(unheard, fn));
  t.like(await finalOf(cases, unheard), { state: 'dead', reason: 'error' });
  t.deepEqual(cases.metered.at(-1), ['ended', 'dead', 'error']);
});

test('refuse ends an invocation only if a caller waits for it, and triggers no on_failure', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy({ metadata: { on_failure: 'went:wrong' } });
  const triggers = [{ topic: 'went:wrong' }];
  const listener = await cases.deploy({ name: 'listener', metadata: { triggers } }, fn.namespace);
  const unheard = await accepted(cases, fn);
  t.false(await cases.finisher.refuse(failed(unheard, fn, 0), 'unavailable'));
  t.is(await finalOf(cases, unheard), undefined, 'it is to be tried again');

  const { call, invocation } = await called(cases, fn);
  t.true(await cases.finisher.refuse(failed(invocation, fn, 0), 'unavailable'));
  t.is((await call).reply?.code, 'unavailable');
  t.is((await finalOf(cases, invocation))?.state, 'error');
  const isCounted = ([, , reason]: unknown[]) => reason === 'unavailable';
  t.false(cases.metered.some(isCounted), 'only dead letters are counted by reason');
  const told = await cases.queue.list(fn.namespace, { limit: 10, function: listener.name });
  t.deepEqual(told.items, []);
});

test('an invocation that is refused after an attempt has run keeps its key and triggers on_failure', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy({ retry_count: 1, metadata: { on_failure: 'went:wrong' } });
  const triggers = [{ topic: 'went:wrong' }];
  const listener = await cases.deploy({ name: 'listener', metadata: { triggers } }, fn.namespace);
  const keyed = { idempotencyKey: 'once' };
  const refuseAfter = async (attempts: number) => {
    const { call, invocation } = await called(cases, fn, keyed);
    const row = newEnd(invocation, attempts, 'no thread');
    const ending: InvocationEnd = {
      invocation,
      function: fn,
      row,
      outcome: 'error',
      output: new Uint8Array(),
    };
    t.true(await cases.finisher.refuse(ending, 'unavailable'));
    t.is((await call).reply?.code, 'unavailable');
    await cases.queue.cancel(invocation.id);
    return invocation.id;
  };
  const first = await refuseAfter(0);
  const second = await refuseAfter(1);
  t.not(second, first, 'the first one did not run');
  const told = await cases.queue.list(fn.namespace, { limit: 10, function: listener.name });
  t.is(told.items.length, 1);
  const again = { namespace: fn.namespace, function: fn.name, input: Buffer.from('{}'), ...keyed };
  t.is((await cases.invoker.send({ ...again, trigger: 'http' })).id, second);
});

for (const code of ['unavailable', 'quota_exceeded'] as const) {
  test(`a repeated request that finds a call refused with ${code} in the store is refused likewise`, async (t) => {
    const cases = await useCases();
    const fn = await cases.deploy();
    const { call, invocation } = await called(cases, fn);
    t.true(await cases.finisher.refuse(failed(invocation, fn, 0), code));
    const first = (await call).reply;
    // As another process does, which no message reaches.
    const found = await cases.replies.watch(invocation.id).reply;
    const { status, error } = first ?? {};
    t.like(found, { code, status, error, attempts: 0 });
  });
}

test('a refused call that is repeated with its key and its request id is another try, with an id of its own', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const both = { idempotencyKey: 'try', requestId: aRequestId() };
  const { call, invocation } = await called(cases, fn, both);
  t.is(invocation.id, both.requestId);
  t.true(await cases.finisher.refuse(failed(invocation, fn, 0), 'unavailable'));
  await call;
  await cases.queue.cancel(invocation.id);
  const again = {
    namespace: fn.namespace,
    function: fn.name,
    input: Buffer.from('{}'),
    trigger: 'http',
  } as const;
  const second = await cases.invoker.send({ ...again, ...both });
  t.not(second.id, both.requestId);
  t.is((await cases.invoker.send({ ...again, ...both })).id, second.id, 'it has the key');
  const withoutKey = cases.invoker.send({ ...again, requestId: both.requestId });
  await t.throwsAsync(withoutKey, { code: 'conflict' });
  const other = await cases.deploy({ name: 'other' }, fn.namespace);
  const ofOther = cases.invoker.send({ ...again, ...both, function: other.name });
  await t.throwsAsync(ofOther, { code: 'conflict' });
});

test('a call that expired before it ran keeps its key and its request id', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const both = { idempotencyKey: 'late', requestId: aRequestId() };
  const { call, invocation } = await called(cases, fn, both);
  await cases.finisher.finish({ ...failed(invocation, fn, 0), outcome: 'expired' });
  const { reply } = await call;
  t.like(reply, { attempts: 0, status: 'error', code: 'expired' });
  await cases.queue.cancel(invocation.id);
  const again = { namespace: fn.namespace, function: fn.name, input: Buffer.from('{}'), ...both };
  const repeated = cases.invoker.call({ ...again, trigger: 'http' }, { waitMs: 60_000 });
  t.like(await repeated, { id: both.requestId, reply: { status: 'error', code: 'expired' } });
});

test('a call whose workers died has the code worker_died, in its reply and its record', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const { call, invocation } = await called(cases, fn);
  await cases.finisher.finish({ ...failed(invocation, fn), outcome: 'worker_died' });
  t.like((await call).reply, { status: 'error', code: 'worker_died' });
  const stored = await cases.store.attempts.invocation(invocation.id);
  if (stored === null) return t.fail();
  t.like(endedRecord(stored), { state: 'error', code: 'worker_died' });
});

test('invocations that were refused before they ran do not count against a version', async (t) => {
  const cases = await useCases();
  const fn = await cases.deploy();
  const since = Date.now() - 1000;
  const figures = () => cases.store.attempts.figures({ ...fn, function: fn.name, since });
  const { call, invocation } = await called(cases, fn);
  t.true(await cases.finisher.refuse(failed(invocation, fn, 0), 'quota_exceeded'));
  await call;
  t.like(await figures(), { calls: 0, errors: 0 });
  await cases.finisher.finish(failed(await accepted(cases, fn), fn));
  t.like(await figures(), { calls: 1, errors: 1 });
});
