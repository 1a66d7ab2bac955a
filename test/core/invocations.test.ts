import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createRedisBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { openStore } from '../../db/open.js';
import { openQueues } from '../../queues/open.js';
import type { RequestId } from '../../src/contract/ids.js';
import type { Finisher, InvocationEnd } from '../../src/core/invocations/finish.js';
import { Invocations } from '../../src/core/invocations/invocations.js';
import type { Settlement } from '../../src/ports/queue.js';
import type { Store } from '../../src/ports/store.js';
import { anAttempt, anEnd } from '../helpers/attempt.js';
import { collect } from '../helpers/consuming.js';
import { namespace, queued } from '../helpers/invocations.js';
import { startRedis } from '../helpers/redis-server.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const root = tempDir();
/** A finisher that does nothing. */
const ends: Pick<Finisher, 'finish'> = { finish: async () => {} };

/** Invocations over a Redis of their own and a new store; `finisher` does nothing by default. */
async function start(
  t: ExecutionContext,
  makeFinisher: (store: Store) => Pick<Finisher, 'finish'> = () => ends,
) {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const queues = await openQueues({ driver: 'redis', url: redis.url, maxWaiting: 10, maxBytes: 1 << 20 });
  t.teardown(() => queues.close());
  const store = await openStore({ driver: 'sqlite', file: join(root, `${randomUUID()}.sqlite`) });
  t.teardown(() => store.close());
  const invocations = new Invocations({
    queue: queues.queue,
    attempts: store.attempts,
    callbacks: store.callbacks,
    finisher: makeFinisher(store),
    backlog: queues.backlog,
  });
  return { redis, queues, store, invocations };
}

test('an ended invocation that is still on the queue is listed once, with its final state', async (t) => {
  const { queues, store, invocations } = await start(t);
  const [ended, waiting] = [queued(), queued()];
  await queues.queue.add([ended, waiting]);
  await store.attempts.write([anAttempt({ requestId: ended.invocation.id, final: anEnd() })]);

  const { items } = await invocations.list({ namespace: namespace('default'), limit: 10 });
  t.deepEqual(
    items.map(({ request_id, state }) => [request_id, state]),
    [
      [waiting.invocation.id, 'queued'],
      [ended.invocation.id, 'success'],
    ],
  );
});

test('an invocation whose job was removed through BullMQ between two attempts is cancelled', async (t) => {
  const { redis, queues, store, invocations } = await start(t);
  const { queue, backlog } = queues;
  const job = queued({}, { delayMs: 60_000 });
  const { id } = job.invocation;
  await queue.add([job]);
  await store.attempts.write([anAttempt({ requestId: id })]);
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const tool = new Queue('async', { connection, prefix: '{orama}' }, createRedisBackend);
  await tool.remove(id);
  await tool.close();
  connection.disconnect();
  t.is((await invocations.get(namespace('default'), id)).state, 'cancelled');
  // A record in the backlog may be its end.
  await backlog.push(['a record']);
  t.is((await invocations.get(namespace('default'), id)).state, 'running');
});

test('an invocation cancelled between two attempts shows only the attempts that ran', async (t) => {
  const { queues, store, invocations } = await start(t, ({ attempts }) => ({
    finish: ({ row }: InvocationEnd) => attempts.write([{ ...row, final: anEnd({ state: 'cancelled' }) }]),
  }));
  const { queue } = queues;
  const job = queued({}, { attempts: 3, backoff: { type: 'fixed', delayMs: 60_000 } });
  const { id } = job.invocation;
  await queue.add([job]);
  await collect(queues, 1, () => ({ kind: 'retry', error: 'boom' }));
  await store.attempts.write([anAttempt({ requestId: id, attempt: 1 })]);
  await invocations.cancel(namespace('default'), id);
  const { state, attempts } = await invocations.get(namespace('default'), id);
  t.is(state, 'cancelled');
  t.deepEqual(
    attempts.map(({ number }) => number),
    [1],
  );
  const { records } = await store.attempts.logs({
    namespace: namespace('default'),
    function: job.invocation.function,
    requestId: id,
    limit: 10,
  });
  t.deepEqual(
    records.map(({ attempt }) => attempt),
    [1],
  );
});

test('a cancelled invocation is found and listed while its end is being written, and after that failed', async (t) => {
  const seen: unknown[] = [];
  let isAway = true;
  const { queues, invocations } = await start(t, ({ attempts }) => ({
    finish: async ({ row }: InvocationEnd) => {
      // Longer than Redis collects jobs that have left.
      await setTimeout(100);
      if (isAway) {
        seen.push((await invocations.get(row.namespace, row.requestId)).state);
        const { items } = await invocations.list({ namespace: row.namespace, limit: 10 });
        seen.push(items.map(({ request_id, state }) => [request_id, state]));
        isAway = false;
        throw new Error('the store is unreachable');
      }
      await attempts.write([{ ...row, final: anEnd({ state: 'cancelled' }) }]);
    },
  }));
  const job = queued({}, { delayMs: 60_000 });
  const { id, namespace } = job.invocation;
  await queues.queue.add([job]);
  await t.throwsAsync(invocations.cancel(namespace, id), { message: 'the store is unreachable' });
  t.deepEqual(seen, ['queued', [[id, 'queued']]]);
  t.is((await invocations.get(namespace, id)).state, 'cancelled');
});

/** Starts a job that runs until it is cancelled, and then ends as `end` says. */
async function runUntilCancelled(
  { queues }: Awaited<ReturnType<typeof start>>,
  end: (id: RequestId) => Promise<Settlement>,
) {
  const { queue } = queues;
  const job = queued({}, { attempts: 3, backoff: { type: 'fixed', delayMs: 60_000 } });
  const { id } = job.invocation;
  await queue.add([job]);
  await queue.consume(
    async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      // A caller that is answered before would find another state.
      await setTimeout(50);
      return end(id);
    },
    { concurrency: 1 },
  );
  await until('the job runs', async () => (await queue.get(id))?.state === 'running');
  return id;
}

for (const state of ['cancelled', 'success', 'dead'] as const) {
  test(`an invocation that ends as ${state} while it is being cancelled is ${state === 'cancelled' ? 'cancelled' : 'refused with conflict'}`, async (t) => {
    const started = await start(t);
    const { store, invocations } = started;
    const id = await runUntilCancelled(started, async (requestId) => {
      await store.attempts.write([anAttempt({ requestId, final: anEnd({ state }) })]);
      return { kind: 'done' };
    });
    const cancelling = invocations.cancel(namespace('default'), id);
    if (state === 'cancelled') await t.notThrowsAsync(cancelling);
    else t.like(await t.throwsAsync(cancelling), { code: 'conflict' });
    t.is((await invocations.get(namespace('default'), id)).state, state);
  });
}

test('an invocation whose attempt fails while it is being cancelled is cancelled at once, not when its retry is due', async (t) => {
  const started = await start(t, ({ attempts }) => ({
    finish: ({ row }: InvocationEnd) => attempts.write([{ ...row, final: anEnd({ state: 'cancelled' }) }]),
  }));
  const id = await runUntilCancelled(started, async () => ({ kind: 'retry', error: 'boom' }));
  await started.invocations.cancel(namespace('default'), id);
  t.is((await started.invocations.get(namespace('default'), id)).state, 'cancelled');
});

test('a cancellation does not wait for ever for a worker that does not respond', async (t) => {
  const started = await start(t);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const id = await runUntilCancelled(started, async () => {
    await released;
    return { kind: 'done' };
  });
  await t.notThrowsAsync(started.invocations.cancel(namespace('default'), id));
  release();
});

test('an invocation in neither queue nor store is reported as absent only while the backlog is empty', async (t) => {
  const { queues, invocations } = await start(t);
  const { backlog } = queues;
  const { id } = queued().invocation;
  const get = () => invocations.get(namespace('default'), id);
  t.like(await t.throwsAsync(get), { code: 'not_found' });
  await backlog.push(['a record']);
  t.like(await t.throwsAsync(get), { code: 'unavailable', retryAfter: 1 });
});
