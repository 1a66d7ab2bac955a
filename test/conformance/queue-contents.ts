import type { SerialFn } from 'ava';
import type { RequestId } from '../../src/contract/ids.js';
import { type InvocationPage, InvocationPages } from '../../src/core/invocations/invocation-pages.js';
import { collect } from '../helpers/consuming.js';
import { functionName, namespace, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

/** Tests for every driver of `InvocationQueue` about listing and counting jobs. */
export function contentsConformance(test: SerialFn<QueueContext>): void {
  test('a job that waits for a retry has the state retrying', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 2, backoff: { type: 'exponential', delayMs: 60_000 } });
    await queue.add([job]);
    await collect(t.context.queues, 1, () => ({ kind: 'retry', error: 'boom' }));
    await until(
      'the job waits for its retry',
      async () => (await queue.get(job.invocation.id))?.state === 'retrying',
    );
    t.like(await queue.get(job.invocation.id), { state: 'retrying', failures: 1, crashes: 0 });
    t.like(await queue.counts(), { waiting: 0, running: 0, retrying: 1 });
  });

  test('queued jobs are listed by namespace and function, newest first, in pages', async (t) => {
    const { queue } = t.context.queues;
    const mine = Array.from({ length: 7 }, (_, index) =>
      queued({ namespace: namespace('mine'), function: functionName(index === 3 ? 'rare' : 'usual') }),
    ).sort((a, b) => (a.invocation.id < b.invocation.id ? 1 : -1));
    await queue.add(mine);
    await queue.add([queued({ namespace: namespace('theirs') })]);
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof queue.list>> = await queue.list(namespace('mine'), {
        limit: 3,
        ...(cursor === null ? {} : { cursor }),
      });
      ids.push(...page.items.map((item) => item.invocation.id));
      cursor = page.next;
    } while (cursor !== null);
    t.deepEqual(
      ids,
      mine.map((job) => job.invocation.id),
    );
    const rare = await queue.list(namespace('mine'), { limit: 5, function: functionName('rare') });
    t.deepEqual(
      rare.items.map((item) => item.invocation.function),
      [functionName('rare')],
    );
  });

  test('the list of invocations continues through all live ones with the cursors that clients send back', async (t) => {
    const pages = new InvocationPages({
      queue: t.context.queues.queue,
      attempts: { list: async () => ({ items: [], nextCursor: null }) },
      callbacks: { get: async () => new Map() },
    });
    const mine = Array.from({ length: 7 }, () => queued({ namespace: namespace('mine') }));
    await t.context.queues.queue.add(mine);
    const listed: string[] = [];
    let cursor: string | null = null;
    do {
      const page: InvocationPage = await pages.get({
        namespace: namespace('mine'),
        limit: 3,
        ...(cursor === null ? {} : { cursor }),
      });
      listed.push(...page.items.map(({ request_id }) => request_id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    t.deepEqual(listed.toSorted(), mine.map((job) => job.invocation.id).toSorted());
  });

  test('a job that is added again counts once, although it was accepted at another time', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({ input: Buffer.from('abc') });
    const { id, acceptedAt } = job.invocation;
    await queue.add([job]);
    for (const later of [1000, 2000]) {
      await t.context.other.queue.add([
        { ...job, invocation: { ...job.invocation, acceptedAt: acceptedAt + later } },
      ]);
    }
    t.like(await queue.use(namespace('default')), { waiting: 1, bytes: 3 });
    t.like(await queue.counts(), { waiting: 1, bytes: 3 });
    const { items } = await queue.list(namespace('default'), { limit: 10 });
    t.deepEqual(
      items.map(({ invocation }) => invocation.id),
      [id],
    );
  });

  test('counts returns the age of the oldest waiting job', async (t) => {
    const { queue } = t.context.queues;
    await queue.add([queued(), queued()]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { oldestMs } = await queue.counts();
    t.true(oldestMs >= 50 && oldestMs < 60_000, String(oldestMs));
  });

  test('the age of a waiting job is the time since it was accepted, whatever id a client has chosen', async (t) => {
    const { queue } = t.context.queues;
    const ids = ['00000000-0000-7000-8000-000000000001', 'ffffffff-ffff-4fff-bfff-ffffffffffff'];
    await queue.add(ids.map((id) => queued({ id: id as RequestId })));
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const { oldestMs } of [await queue.counts(), await queue.use(namespace('default'))]) {
      t.true(oldestMs >= 50 && oldestMs < 60_000, String(oldestMs));
    }
  });
}
