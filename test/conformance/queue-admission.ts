import type { TestFn } from 'ava';
import { isAppError } from '../../src/errors.js';
import { collect, hold } from '../helpers/consuming.js';
import { many, namespace, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue.js';

/** Which jobs every driver of `InvocationQueue` takes in, and which it refuses. */
export function admissionConformance(test: TestFn<QueueContext>): void {
  test('adding an id that is queued or running changes nothing', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({ input: Buffer.from('first') });
    const again = queued({ ...job.invocation, input: Buffer.from('again') });
    await queue.add([job]);
    await Promise.all([queue.add([again]), queue.add([again])]);
    t.like(await queue.counts(), { waiting: 1, bytes: 5 });
    const held = await hold(t.context.queues);
    await held.started(1);
    await queue.add([again]);
    t.like(await queue.counts(), { waiting: 0, running: 1, bytes: 5 });
    held.release();
    await until('the job is gone', async () => (await queue.get(job.invocation.id)) === null);
    t.deepEqual(held.inputs, ['first']);
  });

  test('what is added together is refused together when the queue is full', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(45));
    const refused = queue.add(many(6));
    const accepted = queue.add(many(5));
    const error = await t.throwsAsync(refused);
    t.true(isAppError(error, 'queue_full') && (error.retryAfter ?? 0) > 0);
    await accepted;
    t.is((await queue.counts()).waiting, 50);
    await t.throwsAsync(queue.add(many(1)), { message: /full/ });
    t.is((await queue.list(namespace('default'), { limit: 100 })).items.length, 50);
  });

  test('the queue takes new jobs as soon as others have left it', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(50));
    await t.throwsAsync(queue.add(many(1)));
    await collect(t.context.queues, 50);
    await until('the queue is empty', async () => (await queue.counts()).waiting === 0);
    await t.notThrowsAsync(queue.add(many(20)));
  });

  test('input bytes are limited as well as jobs', async (t) => {
    const { queue } = t.context.queues;
    const half = (): ReturnType<typeof queued> => queued({ input: Buffer.alloc(500_000, 'x') });
    await queue.add([half(), half()]);
    await t.throwsAsync(queue.add([half()]), { message: /1 MB/ });
    t.like(await queue.counts(), { waiting: 2, bytes: 1_000_000 });
  });

  test('concurrent adds never overfill the queue', async (t) => {
    const { queues, other } = t.context;
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? queues : other).queue.add(many(3))),
    );
    const accepted = results.filter((result) => result.status === 'fulfilled').length;
    t.is(accepted, 16);
    t.is((await queues.queue.counts()).waiting, 48);
  });

  test('closing twice does no harm, and a closed queue accepts nothing', async (t) => {
    const { queue } = t.context.queues;
    await Promise.all([t.context.queues.close(), t.context.queues.close()]);
    await t.throwsAsync(queue.add(many(1)), { message: /accepted/ });
  });
}
