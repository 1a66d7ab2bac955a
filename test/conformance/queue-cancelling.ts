import { setTimeout } from 'node:timers/promises';
import type { SerialFn } from 'ava';
import { newRequestId } from '../../src/core/invocations/job.js';
import { DONE } from '../helpers/consuming.js';
import { queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

/** Tests for every driver of `InvocationQueue` about cancelling jobs in all states. */
export function cancellingConformance(test: SerialFn<QueueContext>): void {
  test('cancelling a waiting or delayed job removes it from the queue', async (t) => {
    const { queue } = t.context.queues;
    const waiting = queued();
    const delayed = queued({}, { delayMs: 60_000 });
    await queue.add([waiting, delayed]);
    t.is(await t.context.other.queue.cancel(waiting.invocation.id), 'removed');
    t.is(await queue.cancel(delayed.invocation.id), 'removed');
    t.is(await queue.cancel(waiting.invocation.id), 'absent');
    t.is(await queue.cancel(newRequestId()), 'absent');
    t.is(await queue.get(waiting.invocation.id), null);
    await until('their bytes no longer count', async () => (await queue.counts()).bytes === 0);
  });

  test('a cancelled job is found and listed until its end is recorded', async (t) => {
    const { queue } = t.context.queues;
    const jobs = [queued(), queued({}, { delayMs: 60_000 }), queued()] as const;
    await queue.add(jobs);
    const { id, namespace } = jobs[1].invocation;
    const during: unknown[] = [];
    const outcome = await queue.cancel(id, async ({ invocation }) => {
      // Longer than Redis collects jobs that have left.
      await setTimeout(100);
      const { items } = await queue.list(namespace, { limit: 2 });
      const second = await queue.list(namespace, { limit: 2, cursor: jobs[2].invocation.id });
      during.push(
        invocation.id,
        (await queue.get(id))?.state,
        items.map((each) => each.invocation.id),
        second.items.map((each) => each.invocation.id),
        await queue.findRemoved(namespace, id),
      );
    });
    t.is(outcome, 'removed');
    const [first, middle, last] = jobs.map(({ invocation }) => invocation.id);
    t.deepEqual(during, [middle, 'queued', [last, middle], [middle, first], null]);
    t.is(await queue.get(id), null);
    t.deepEqual(
      (await queue.list(namespace, { limit: 9 })).items.map((each) => each.invocation.id),
      [last, first],
    );
  });

  test('while a process records the end of a cancelled job, every process knows that it is cancelled', async (t) => {
    const { queue } = t.context.queues;
    const other = t.context.other.queue;
    const input = Buffer.from('["an input"]');
    const jobs = [queued({}, { delayMs: 60_000 }), queued({ input }), queued({ replyTo: 'web-1' })] as const;
    for (const job of jobs) await queue.add([job]);
    for (const { invocation } of jobs) {
      const { id, namespace } = invocation;
      t.is(await other.findCancelling(id), null);
      const outcome = await queue.cancel(id, async (live) => {
        // Longer than Redis collects jobs that have left.
        await setTimeout(100);
        t.deepEqual(await other.findCancelling(id), live);
        t.is(await other.findRemoved(namespace, id), null);
        t.is(await other.findRemovedCall(namespace, id), null);
        const { items } = await other.list(namespace, { limit: 9 });
        t.deepEqual(
          items.find((each) => each.invocation.id === id),
          live,
        );
      });
      t.is(outcome, 'removed');
      await until('it is over', async () => (await other.findCancelling(id)) === null);
    }
    t.deepEqual((await other.list(jobs[0].invocation.namespace, { limit: 9 })).items, []);
  });

  test('a cancelled job whose end could not be recorded is found as removed', async (t) => {
    const { queue } = t.context.queues;
    const job = queued();
    await queue.add([job]);
    const { id, namespace } = job.invocation;
    const failing = queue.cancel(id, () => Promise.reject(new Error('the store is unreachable')));
    await t.throwsAsync(failing, { message: 'the store is unreachable' });
    await setTimeout(100);
    t.is(await queue.get(id), null);
    t.is((await t.context.other.queue.findRemoved(namespace, id))?.invocation.id, id);
  });

  test('cancelling a running job from another process aborts its signal', async (t) => {
    const { queue } = t.context.queues;
    const job = queued();
    await queue.add([job]);
    const aborted = new Promise<unknown>((resolve) => {
      void queue.consume(
        ({ signal }) =>
          new Promise((settle) => {
            signal.addEventListener('abort', () => {
              resolve(signal.reason);
              settle(DONE);
            });
          }),
        { concurrency: 1 },
      );
    });
    await until('the job runs', async () => (await queue.get(job.invocation.id))?.state === 'running');
    t.is(await t.context.other.queue.cancel(job.invocation.id), 'running');
    t.is(await aborted, 'cancelled');
    await until('the job is gone', async () => (await queue.get(job.invocation.id)) === null);
  });

  test('a job that is cancelled while it waits for a slot ends without one', async (t) => {
    const { queue } = t.context.queues;
    const [long, waiting] = [queued(), queued()];
    const { id } = waiting.invocation;
    await queue.add([long, waiting]);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reasons: unknown[] = [];
    await queue.consume(
      async ({ invocation, signal }) => {
        if (invocation.id === id) reasons.push(signal.reason);
        else await held;
        return DONE;
      },
      { concurrency: 1 },
    );
    await until('the second is fetched', async () => (await queue.get(id))?.state === 'running');
    t.is(await t.context.other.queue.cancel(id), 'running');
    await until('the second has ended', async () => (await queue.get(id)) === null);
    t.deepEqual(reasons, ['cancelled']);
    t.is((await queue.get(long.invocation.id))?.state, 'running');
    release();
  });

  test('a job cancelled while running has an aborted signal when it is delivered again', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 2 });
    await queue.add([job]);
    const reasons: unknown[] = [];
    await queue.consume(
      async ({ signal, attempt }) => {
        if (attempt === 1) {
          await queue.cancel(job.invocation.id);
          return { kind: 'retry', error: 'did not listen' };
        }
        reasons.push(signal.aborted && signal.reason);
        return DONE;
      },
      { concurrency: 1 },
    );
    await until('the job is delivered again', () => reasons.length > 0);
    t.deepEqual(reasons, ['cancelled']);
  });
}
