import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../db/open.js';
import { openQueues } from '../../queues/open.js';
import { createInvocations } from '../../src/core/invocations.js';
import { anAttempt, anEnd } from '../helpers/attempt.js';
import { namespace, queued } from '../helpers/invocations.js';
import { startRedis } from '../helpers/redis-server.js';
import { tempDir } from '../helpers/temp-dir.js';

const root = tempDir();
/** Nothing ends here. */
const ends = { finish: async () => {}, refuse: async () => false, followUp: async () => {} };

test('an invocation that has ended and has not left the queue yet is listed once, as ended', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const queues = await openQueues({ driver: 'redis', url: redis.url, maxWaiting: 10, maxBytes: 1 << 20 });
  t.teardown(() => queues.close());
  const store = await openStore({ driver: 'sqlite', file: join(root, 'store.sqlite') });
  t.teardown(() => store.close());
  const [ended, waiting] = [queued(), queued()];
  await queues.queue.add([ended, waiting]);
  await store.attempts.write([anAttempt({ requestId: ended.invocation.id, final: anEnd() })]);

  const invocations = createInvocations({
    queue: queues.queue,
    attempts: store.attempts,
    callbacks: store.callbacks,
    finisher: ends,
  });
  const { items } = await invocations.list({ namespace: namespace('default'), limit: 10 });
  t.deepEqual(
    items.map(({ request_id, state }) => [request_id, state]),
    [
      [waiting.invocation.id, 'queued'],
      [ended.invocation.id, 'success'],
    ],
  );
});

test('one whose job was removed by other tools is seen as cancelled, and not as running for ever', async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const queues = await openQueues({ driver: 'redis', url: redis.url, maxWaiting: 10, maxBytes: 1 << 20 });
  t.teardown(() => queues.close());
  const store = await openStore({ driver: 'sqlite', file: join(root, 'removed.sqlite') });
  t.teardown(() => store.close());
  const failed = anAttempt({ status: 'error', error: 'exit code 1', startedAt: Date.now() - 60_000 });
  const ending = anAttempt({ status: 'error', error: 'exit code 1' });
  await store.attempts.write([failed, ending]);

  const { get } = createInvocations({
    queue: queues.queue,
    attempts: store.attempts,
    callbacks: store.callbacks,
    finisher: ends,
  });
  const record = await get(failed.namespace, failed.requestId);
  t.like(record, { state: 'cancelled', error: 'its job was removed from the queue from outside' });
  t.is(record.attempts.length, 1);
  t.is((await get(ending.namespace, ending.requestId)).state, 'running');
});
