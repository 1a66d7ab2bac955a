import { setTimeout } from 'node:timers/promises';
import type { SerialFn } from 'ava';
import { newRequestId } from '../../src/core/invocations/job.js';
import { collect, DONE, hold } from '../helpers/consuming.js';
import { many, namespace, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

/** Tests for every driver of `InvocationQueue` about the order of jobs. */
export function orderConformance(test: SerialFn<QueueContext>): void {
  test('a job with a waiting caller is delivered before other jobs', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(20));
    await queue.add([queued({ replyTo: 'web-1' })]);
    const deliveries = await collect(t.context.queues, 21);
    t.is(deliveries[0]?.invocation.replyTo, 'web-1');
  });

  test('the long backlog of one namespace does not delay the jobs of another', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(40, 'busy'));
    await queue.add(many(8, 'calm'));
    const order = (await collect(t.context.queues, 48)).map((delivery) => delivery.invocation.namespace);
    t.true(order.lastIndexOf(namespace('calm')) < 20, order.join(' '));
    t.true(order.indexOf(namespace('busy')) < 8, 'the namespace with the backlog is served as well');
  });

  test('cancelling the last job of a backlog does not delay the jobs of another namespace', async (t) => {
    const { queue } = t.context.queues;
    const busy = many(40, 'busy');
    await queue.add(busy);
    t.is(await queue.cancel(busy.at(-1)?.invocation.id ?? newRequestId()), 'removed');
    await until('the cancelled job no longer counts', async () => (await queue.counts()).bytes === 39 * 2);
    await queue.add(many(4, 'calm'));
    const order = (await collect(t.context.queues, 43)).map((delivery) => delivery.invocation.namespace);
    t.true(order.lastIndexOf(namespace('calm')) < 12, order.join(' '));
  });

  test('behind a long job, jobs keep their order while other namespaces have only delayed jobs', async (t) => {
    const { queue } = t.context.queues;
    const jobs = many(8, 'busy');
    await queue.add([...jobs, queued({ namespace: namespace('later') }, { delayMs: 60_000 })]);
    const order: string[] = [];
    const consumer = await queue.consume(
      async ({ invocation }) => {
        order.push(invocation.id);
        // Long enough for many checks of the limiter.
        if (order.length === 1) await setTimeout(1000);
        return DONE;
      },
      { concurrency: 1 },
    );
    await until('all have run', () => order.length === jobs.length);
    await consumer.close();
    t.deepEqual(
      order,
      jobs.map(({ invocation }) => invocation.id),
    );
  });

  test('behind a long job, a delayed job of another namespace runs when it is due', async (t) => {
    const { queue } = t.context.queues;
    await queue.add([...many(8, 'busy'), queued({ namespace: namespace('later') }, { delayMs: 500 })]);
    const inputs: string[] = [];
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const consumer = await queue.consume(
      async ({ invocation }) => {
        inputs.push(invocation.namespace);
        if (invocation.namespace === 'busy') await released;
        return DONE;
      },
      { concurrency: 1 },
    );
    await until('it runs', () => inputs.includes('later'));
    release();
    await until('all have run', () => inputs.length === 9);
    await consumer.close();
    t.deepEqual(inputs.slice(0, 2), ['busy', 'later']);
  });

  test('jobs that wait in a closing consumer return to the queue in their order', async (t) => {
    const { queue } = t.context.queues;
    const jobs = many(5);
    await queue.add(jobs);
    const held = await hold(t.context.queues);
    // Behind a long job, two further jobs are fetched to look for other namespaces.
    await until('two jobs wait', async () => (await queue.counts()).running === 3);
    const closing = held.close();
    held.release();
    await closing;
    const order = (await collect(t.context.queues, 4)).map((delivery) => delivery.invocation.id);
    t.deepEqual(
      order,
      jobs.slice(1).map(({ invocation }) => invocation.id),
    );
  });
}
