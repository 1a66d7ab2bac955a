import { join } from 'node:path';
import test from 'ava';
import { AppError } from '../../src/errors.js';
import { aRequestId } from '../helpers/attempt.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { openUseCases, request } from './use-cases.js';

const directory = tempDir();
const useCases = shared(() => openUseCases(directory));

test('concurrent calls with an idempotency key are one invocation, and one with another body is rejected', async (t) => {
  const { deploy, invoker, queue } = await useCases();
  const fn = await deploy();
  const keyed = request(fn, { idempotencyKey: 'once' });
  const sent = await Promise.all(Array.from({ length: 8 }, () => invoker.send(keyed)));
  t.is(new Set(sent.map(({ id }) => id)).size, 1);
  t.is((await queue.use(fn.namespace)).waiting, 1);
  await t.throwsAsync(invoker.send({ ...keyed, input: Buffer.from('other') }), {
    code: 'idempotency_mismatch',
    message: /"once"/,
  });
});

test('a call with a target is a repetition only of one with the same target, or of one without', async (t) => {
  const { deploy, invoker } = await useCases();
  const fn = await deploy();
  const keyed = request(fn, { idempotencyKey: 'targeted', target: 'POST /orders/1/pay' });
  const first = await invoker.send(keyed);
  t.is((await invoker.send(keyed)).id, first.id);
  await t.throwsAsync(invoker.send({ ...keyed, target: 'POST /orders/2/cancel' }), {
    code: 'idempotency_mismatch',
  });
  const changing = { ...keyed, target: 'POST /orders/2/cancel', bodyMayChange: true };
  t.is((await invoker.send(changing)).id, first.id);
  // As earlier versions stored it.
  const before = request(fn, { idempotencyKey: 'before' });
  const { id } = await invoker.send(before);
  t.is((await invoker.send({ ...before, target: 'POST /' })).id, id);
});

test('calls with an idempotency key use the function version of the first call', async (t) => {
  const { deploy, invoker } = await useCases();
  const fn = await deploy();
  const keyed = request(fn, { idempotencyKey: 'pinned' });
  await invoker.send(keyed);
  await deploy({}, fn.namespace);
  t.is((await invoker.send(keyed)).function.version, 1);
  t.is((await invoker.send(request(fn))).function.version, 2);
});

test('a request id set by the client is accepted once', async (t) => {
  const { deploy, invoker } = await useCases();
  const fn = await deploy();
  const requestId = aRequestId();
  const own = request(fn, { requestId });
  t.is((await invoker.send(own)).id, requestId);
  await t.throwsAsync(invoker.send(own), { code: 'conflict', message: /is in use/ });
});

test('a repeated request with the same key and the same request id is the first invocation', async (t) => {
  const { deploy, invoker, queue } = await useCases();
  const fn = await deploy();
  const requestId = aRequestId();
  const repeated = request(fn, { idempotencyKey: 'again', requestId });
  const sent = await Promise.all(Array.from({ length: 4 }, () => invoker.send(repeated)));
  t.deepEqual(new Set(sent.map(({ id }) => id)), new Set([requestId]));
  t.is((await invoker.send(repeated)).id, requestId);
  t.is((await queue.use(fn.namespace)).waiting, 1);
  const otherKey = { ...repeated, idempotencyKey: 'another' };
  await t.throwsAsync(invoker.send(otherKey), { code: 'conflict', message: /is in use/ });
  const free = await invoker.send({ ...otherKey, requestId: aRequestId() });
  t.not(free.id, requestId, 'a refused request does not hold its key');
});

test('a repeated request replaces one that has died between its claims and its job', async (t) => {
  const dying = await openUseCases(join(directory, 'dying'));
  t.teardown(dying.close);
  const { deploy, invoker, queue } = dying;
  const fn = await deploy();
  const requestId = aRequestId();
  const ending = request(fn, { idempotencyKey: 'died', requestId });
  const add = queue.add;
  // Like a process that is killed: the claims stay.
  queue.add = () => Promise.reject(new AppError('ambiguous_write', 'The process has died.'));
  await t.throwsAsync(invoker.send(ending), { code: 'ambiguous_write' });
  queue.add = add;
  const { id } = await invoker.send(ending);
  t.is(id, requestId);
  t.is((await queue.use(fn.namespace)).waiting, 1);
});

test('of several requests that wait for one that has died, one takes its place and the others wait for that one', async (t) => {
  const dying = await openUseCases(join(directory, 'dying-at-once'));
  t.teardown(dying.close);
  const { deploy, invoker, queue } = dying;
  const fn = await deploy();
  const add = queue.add.bind(queue);
  queue.add = () => Promise.reject(new AppError('ambiguous_write', 'The process has died.'));
  const keys = [{ idempotencyKey: 'plain' }, { idempotencyKey: 'with an id', requestId: aRequestId() }];
  for (const key of keys) await t.throwsAsync(invoker.send(request(fn, key)), { code: 'ambiguous_write' });
  let added = 0;
  queue.add = (...given) => {
    added++;
    return add(...given);
  };
  for (const [at, key] of keys.entries()) {
    const sent = await Promise.all(Array.from({ length: 4 }, () => invoker.send(request(fn, key))));
    t.is(new Set(sent.map(({ id }) => id)).size, 1);
    t.is(added, at + 1, 'a job that has ended before the next one is added would run again');
  }
});

test('a request that is late with its job adds none, because another may have taken its key', async (t) => {
  const stalled = await openUseCases(join(directory, 'stalled'));
  t.teardown(stalled.close);
  const { deploy, invoker, queue } = stalled;
  const fn = await deploy();
  const keyed = request(fn, { idempotencyKey: 'stalled', requestId: aRequestId() });
  const add = queue.add.bind(queue);
  let proceed = () => {};
  const stall = new Promise<void>((resolve) => {
    proceed = resolve;
  });
  queue.add = async (...given) => {
    queue.add = add;
    await stall;
    return add(...given);
  };
  const late = t.throwsAsync(invoker.send(keyed), { code: 'unavailable' });
  await until('the first request holds the key', async () => queue.add === add);
  const { id } = await invoker.send(keyed);
  // The job has ended.
  t.is(await queue.cancel(id), 'removed');
  proceed();
  await late;
  t.is((await queue.use(fn.namespace)).waiting, 0, 'the invocation does not run twice');
  const other = { ...keyed, idempotencyKey: 'another' };
  await t.throwsAsync(
    invoker.send(other),
    { code: 'conflict' },
    'the claims are those of the second request',
  );
});

test('a repeated request holds the key again if the one before it was refused meanwhile', async (t) => {
  const refusing = await openUseCases(join(directory, 'refusing'));
  t.teardown(refusing.close);
  const { deploy, invoker, queue } = refusing;
  const fn = await deploy();
  const keyed = request(fn, { idempotencyKey: 'refused' });
  const both = { ...keyed, requestId: aRequestId() };
  const add = queue.add;
  let refuse = () => {};
  const begun = new Promise<void>((resolve) => {
    queue.add = () =>
      new Promise((_, reject) => {
        refuse = () => reject(new AppError('queue_full', 'The queue is full.'));
        resolve();
      });
  });
  const first = t.throwsAsync(invoker.send(both), { code: 'queue_full' });
  await begun;
  queue.add = add;
  const repeated = invoker.send(both);
  // The repeated request has found the claims of the first one when it looks for its job.
  const get = queue.get.bind(queue);
  await new Promise<void>((resolve) => {
    queue.get = (id) => {
      resolve();
      return get(id);
    };
  });
  queue.get = get;
  refuse();
  await first;
  t.is((await repeated).id, both.requestId);
  t.is((await invoker.send(keyed)).id, both.requestId, 'the key still has its invocation');
  t.is((await queue.use(fn.namespace)).waiting, 1);
});

test('a request id is not used up by a request that is refused, or that another id answers', async (t) => {
  const { deploy, invoker } = await useCases();
  const fn = await deploy();
  const first = await invoker.send(request(fn, { idempotencyKey: 'first' }));
  const requestId = aRequestId();
  const refused = request(fn, { idempotencyKey: 'first', requestId, input: Buffer.from('other') });
  await t.throwsAsync(invoker.send(refused), { code: 'idempotency_mismatch' });
  t.is((await invoker.send(request(fn, { idempotencyKey: 'first', requestId }))).id, first.id);
  t.is((await invoker.send(request(fn, { requestId }))).id, requestId);
});

test('an idempotency key and a request id can be used again if the queue rejected their job', async (t) => {
  const { deploy, invoker } = await useCases();
  const fn = await deploy();
  const requestId = aRequestId();
  const kept = request(fn, { idempotencyKey: 'free', requestId });
  const full = await openUseCases(join(directory, 'full'));
  t.teardown(full.close);
  const other = await full.deploy({}, fn.namespace);
  // The queue accepts 16 MB.
  const large = request(other, { input: new Uint8Array(1 << 20) });
  await Promise.all(Array.from({ length: 16 }, () => full.invoker.send(large)));
  await t.throwsAsync(full.invoker.send({ ...kept, input: new Uint8Array(1000) }), { code: 'queue_full' });
  await full.queue.list(other.namespace, { limit: 1 }).then(async ({ items }) => {
    for (const { invocation } of items) await full.queue.cancel(invocation.id);
  });
  t.is((await full.invoker.send(kept)).id, requestId);
  t.is((await invoker.send(kept)).id, requestId);
});
