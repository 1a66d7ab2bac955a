import { randomBytes } from 'node:crypto';
import type { TestFn } from 'ava';
import type { Queues } from '../../queues/open.js';
import { isAppError } from '../../src/errors.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import { functionName, namespace, newRequestId, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';

export interface QueueContext {
  queues: Queues;
  /** Another process's view of the same queue; the same one where there can be only one process. */
  other: Queues;
}

const DONE: Settlement = { kind: 'done' };

/** What every driver of `InvocationQueue` does. The context's queues are fresh and empty, with room for 50 jobs and 1 MB. */
export function queueConformance(test: TestFn<QueueContext>): void {
  test('a job carries its invocation unchanged', async (t) => {
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

  test('the first delivery is attempt 1 without failures or deaths', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 3 });
    await queue.add([job]);
    const [delivery] = await collect(t.context.queues, 1);
    t.like(delivery, { attempt: 1, failures: 0, deaths: 0, attempts: 3, isLastAttempt: false });
    t.false(delivery?.signal.aborted);
  });

  test('a job that is done leaves nothing behind', async (t) => {
    const { queue } = t.context.queues;
    const job = queued();
    await queue.add([job]);
    await collect(t.context.queues, 1);
    await until('the job is gone', async () => (await queue.get(job.invocation.id)) === null);
    await until('its bytes are given back', async () => (await queue.counts()).bytes === 0);
    t.deepEqual(await queue.counts(), { waiting: 0, running: 0, retrying: 0, bytes: 0, oldestMs: 0 });
    t.deepEqual((await queue.list(namespace('default'), { limit: 10 })).items, []);
  });

  test('a retry comes after the backoff and uses up an attempt, until the last', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 3, backoff: { type: 'fixed', delayMs: 30 } });
    await queue.add([job]);
    const deliveries = await collect(t.context.queues, 3, (delivery) =>
      delivery.isLastAttempt ? DONE : { kind: 'retry', error: 'boom' },
    );
    t.deepEqual(
      deliveries.map(({ attempt, failures, deaths, isLastAttempt }) => ({
        attempt,
        failures,
        deaths,
        isLastAttempt,
      })),
      [
        { attempt: 1, failures: 0, deaths: 0, isLastAttempt: false },
        { attempt: 2, failures: 1, deaths: 0, isLastAttempt: false },
        { attempt: 3, failures: 2, deaths: 0, isLastAttempt: true },
      ],
    );
  });

  test('a waiting retry is shown as retrying', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 2, backoff: { type: 'exponential', delayMs: 60_000 } });
    await queue.add([job]);
    await collect(t.context.queues, 1, () => ({ kind: 'retry', error: 'boom' }));
    await until(
      'it waits for its retry',
      async () => (await queue.get(job.invocation.id))?.state === 'retrying',
    );
    t.like(await queue.get(job.invocation.id), { state: 'retrying', failures: 1, deaths: 0 });
    t.like(await queue.counts(), { waiting: 0, running: 0, retrying: 1 });
  });

  test('a job put off until later uses up no attempt', async (t) => {
    const { queue } = t.context.queues;
    await queue.add([queued({}, { attempts: 1 })]);
    let times = 0;
    const deliveries = await collect(t.context.queues, 3, () =>
      ++times < 3 ? { kind: 'later', delayMs: 20 } : DONE,
    );
    t.deepEqual(
      deliveries.map(({ attempt, failures, deaths }) => [attempt, failures, deaths]),
      [
        [1, 0, 0],
        [1, 0, 0],
        [1, 0, 0],
      ],
    );
  });

  test('a handler that throws loses no job, not even on the last attempt', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({}, { attempts: 1 });
    await queue.add([job]);
    const deliveries = await collect(t.context.queues, 2, (_delivery, count) => {
      if (count === 1) throw new Error('the store is away');
      return DONE;
    });
    t.deepEqual(
      deliveries.map((delivery) => delivery.attempt),
      [1, 1],
    );
  });

  test('a delayed job waits before its first attempt', async (t) => {
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

  test('a waiting or delayed job that is cancelled is gone', async (t) => {
    const { queue } = t.context.queues;
    const waiting = queued();
    const delayed = queued({}, { delayMs: 60_000 });
    await queue.add([waiting, delayed]);
    t.is(await t.context.other.queue.cancel(waiting.invocation.id), 'removed');
    t.is(await queue.cancel(delayed.invocation.id), 'removed');
    t.is(await queue.cancel(waiting.invocation.id), 'absent');
    t.is(await queue.cancel(newRequestId()), 'absent');
    t.is(await queue.get(waiting.invocation.id), null);
    await until('their bytes are given back', async () => (await queue.counts()).bytes === 0);
  });

  test('cancelling a running job aborts its signal, from any process', async (t) => {
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

  test('a job cancelled while it runs is still cancelled when it is delivered again', async (t) => {
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
    await until('it is delivered again', () => reasons.length > 0);
    t.deepEqual(reasons, ['cancelled']);
  });

  test('live invocations are listed by namespace, newest first, page by page', async (t) => {
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

  test('calls that somebody waits for go before the others', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(20));
    await queue.add([queued({ replyTo: 'web-1' })]);
    const deliveries = await collect(t.context.queues, 21);
    t.is(deliveries[0]?.invocation.replyTo, 'web-1');
  });

  test('a namespace with a long backlog does not hold up another', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(40, 'busy'));
    await queue.add(many(8, 'calm'));
    const order = (await collect(t.context.queues, 48)).map((delivery) => delivery.invocation.namespace);
    t.true(order.lastIndexOf(namespace('calm')) < 20, order.join(' '));
    t.true(order.indexOf(namespace('busy')) < 8, 'nor does it starve');
  });

  test('cancelling the last of a backlog gives the backlog no precedence', async (t) => {
    const { queue } = t.context.queues;
    const busy = many(40, 'busy');
    await queue.add(busy);
    t.is(await queue.cancel(busy.at(-1)?.invocation.id ?? newRequestId()), 'removed');
    await until('it no longer counts', async () => (await queue.counts()).bytes === 39 * 2);
    await queue.add(many(4, 'calm'));
    const order = (await collect(t.context.queues, 43)).map((delivery) => delivery.invocation.namespace);
    t.true(order.lastIndexOf(namespace('calm')) < 12, order.join(' '));
  });

  test('the age of the oldest waiting job is told', async (t) => {
    const { queue } = t.context.queues;
    await queue.add([queued(), queued()]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { oldestMs } = await queue.counts();
    t.true(oldestMs >= 50 && oldestMs < 60_000, String(oldestMs));
  });

  test('closing a consumer waits for the jobs in hand and leaves the rest', async (t) => {
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

  test('closing twice does no harm, and a closed queue accepts nothing', async (t) => {
    const { queue } = t.context.queues;
    await Promise.all([t.context.queues.close(), t.context.queues.close()]);
    await t.throwsAsync(queue.add(many(1)), { message: /accepted/ });
  });

  function many(count: number, from = 'default'): ReturnType<typeof queued>[] {
    return Array.from({ length: count }, () => queued({ namespace: namespace(from) }));
  }
}

/** Consumes one job after the other until `count` deliveries have been made, and returns them. */
async function collect(
  { queue }: Queues,
  count: number,
  settle: (delivery: Delivery, count: number) => Settlement = () => DONE,
): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const consumer = await queue.consume(
    async (delivery) => {
      deliveries.push(delivery);
      return settle(delivery, deliveries.length);
    },
    { concurrency: 1 },
  );
  await until(`${count} deliveries were made`, () => deliveries.length >= count);
  await consumer.close();
  return deliveries;
}

/** A consumer whose handlers wait until they are released. */
async function hold({ queue }: Queues, concurrency = 1) {
  const inputs: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const consumer = await queue.consume(
    async ({ invocation }) => {
      inputs.push(Buffer.from(invocation.input).toString());
      await released;
      return DONE;
    },
    { concurrency },
  );
  return {
    inputs,
    release,
    started: (count: number) => until(`${count} handlers have started`, () => inputs.length >= count),
    close: () => consumer.close(),
  };
}
