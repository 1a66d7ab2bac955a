import { randomBytes } from 'node:crypto';
import type { SerialFn } from 'ava';
import type { Delivery } from '../../src/ports/queue.js';
import { collect, DONE, hold } from '../helpers/consuming.js';
import { closedGate } from '../helpers/gate.js';
import { many, namespace, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

/**
 * Tests for every driver of `InvocationQueue` about jobs that are added, delivered once and
 * completed.
 */
export function deliveryConformance(test: SerialFn<QueueContext>): void {
  test('a delivered job has the invocation with which it was added', async (t) => {
    const { queue } = t.context.queues;
    const full = queued({
      trigger: 'http',
      triggerDepth: 3,
      callerWallet: '0xabc',
      input: Buffer.from('{"héllo":"\u{1F600}"}'),
      replyTo: 'web-1',
      maxAgeMs: 5000,
      callbackUrl: 'https://example.com/done',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    const bytes = queued({ input: randomBytes(1000) });
    const nul = queued({ input: Buffer.from('a\0b') });
    const empty = queued({ input: new Uint8Array() });
    const bom = queued({ input: Buffer.from('\uFEFFx') });
    const jobs = [full, bytes, nul, empty, bom];
    await queue.add(jobs);
    const seen = new Map<string, Delivery>();
    await queue.consume(
      async (delivery) => {
        seen.set(delivery.invocation.id, delivery);
        return DONE;
      },
      { concurrency: 4 },
    );
    await until('all jobs have run', () => seen.size === jobs.length);
    for (const { invocation } of jobs) {
      const got = seen.get(invocation.id)?.invocation;
      t.deepEqual(
        { ...got, input: Buffer.from(got?.input ?? []) },
        { ...invocation, input: Buffer.from(invocation.input) },
      );
    }
  });

  test('the first delivery is attempt 1 without failures or crashes', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 3 });
    await queue.add([job]);
    const [delivery] = await collect(t.context.queues, 1);
    t.like(delivery, { attempt: 1, failures: 0, crashes: 0, attempts: 3, isLastAttempt: false });
    t.false(delivery?.signal.aborted);
  });

  test('a completed job is removed from the queue, its list and its counts', async (t) => {
    const { queue } = t.context.queues;
    const job = queued();
    await queue.add([job]);
    await collect(t.context.queues, 1);
    await until('the job is gone', async () => (await queue.get(job.invocation.id)) === null);
    await until('its bytes no longer count', async () => (await queue.counts()).bytes === 0);
    t.deepEqual(await queue.counts(), { waiting: 0, running: 0, retrying: 0, bytes: 0, oldestMs: 0 });
    t.deepEqual((await queue.list(namespace('default'), { limit: 10 })).items, []);
  });

  test('a delayed job is delivered after its delay', async (t) => {
    const { queue } = t.context.queues;
    const later = queued({}, { delayMs: 60_000 });
    const soon = queued({}, { delayMs: 200 });
    await queue.add([later, soon]);
    t.like(await queue.counts(), { waiting: 2, retrying: 0 });
    const [delivery] = await collect(t.context.queues, 1);
    t.is(delivery?.invocation.id, soon.invocation.id);
    t.true(Date.now() >= soon.invocation.acceptedAt + 200);
    t.like(await queue.get(later.invocation.id), { state: 'queued' });
  });

  test('closing a consumer waits for its running jobs and leaves the others in the queue', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(5));
    const held = await hold(t.context.queues, 2);
    await held.started(2);
    const closed = held.close();
    held.release();
    await closed;
    t.is(held.inputs.length, 2);
    await until('nothing runs', async () => (await queue.counts()).running === 0);
    t.is((await queue.counts()).waiting, 3);
  });

  test('prefetched jobs without a slot return to the queue without a used attempt when the consumer closes', async (t) => {
    const { queues, other } = t.context;
    const slots = 16;
    let gate = Promise.resolve();
    let begun = 0;
    const consumer = await queues.queue.consume(
      async () => {
        begun++;
        await gate;
        return DONE;
      },
      { concurrency: slots },
    );
    // Enough quick jobs for the consumer to prefetch further ones.
    for (let count = 0; count < 5; count++) {
      await queues.queue.add(many(40));
      await until('the quick jobs have completed', async () => (await queues.queue.counts()).bytes === 0);
    }
    const { opened, open } = closedGate();
    gate = opened;
    begun = 0;
    await queues.queue.add(many(40));
    // The store marks jobs as taken before this process has received them.
    await until(
      'more jobs are fetched than run',
      async () => begun === slots && (await queues.queue.counts()).running > slots,
    );
    const closed = consumer.close();
    await until(
      'the jobs without a slot are waiting again',
      async () => (await queues.queue.counts()).waiting === 40 - slots,
    );
    open();
    await closed;
    t.is(begun, slots);
    const rest = await collect(other, 40 - slots);
    t.true(rest.every(({ attempt, failures, crashes }) => attempt === 1 && failures + crashes === 0));
  });
}
