import { setTimeout } from 'node:timers/promises';
import type { SerialFn } from 'ava';
import type { LimitsOf } from '../../queues/queue.js';
import { isAppError } from '../../src/errors.js';
import { collect, DONE, hold } from '../helpers/consuming.js';
import { many, namespace, queued } from '../helpers/invocations.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

/** The namespace with the context's share; the other namespaces have a large one. */
const BOUNDED = 'bounded';

/** The queue share of each namespace in these tests. */
export const limitsOf: LimitsOf = async (name) =>
  name === BOUNDED
    ? { waitingJobs: 10, waitingBytes: 1 << 19, delayedJobs: 5 }
    : { waitingJobs: 1000, waitingBytes: 1 << 30, delayedJobs: 1000 };

/** Repeats the work until it throws and returns the error. */
async function untilRefused(work: () => Promise<void>): Promise<unknown> {
  for (let tries = 0; tries < 40; tries += 1) {
    try {
      await work();
    } catch (error) {
      return error;
    }
  }
  return null;
}

/**
 * Tests for every driver of `InvocationQueue` about which jobs are accepted and which are refused.
 */
export function admissionConformance(test: SerialFn<QueueContext>): void {
  test('a job that is too late is not added, and the error says so', async (t) => {
    const { queue } = t.context.queues;
    const late = queue.add([queued()], performance.now());
    await t.throwsAsync(late, { code: 'unavailable', message: /too late.*nothing was accepted/ });
    t.is((await queue.counts()).waiting, 0);
  });

  test('adding a job whose id is queued or running has no effect', async (t) => {
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

  test('jobs added in one call are rejected together when they do not all fit into the queue', async (t) => {
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

  test('a job of a rejected call that another call adds at the same time is counted and listed', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(45));
    const job = queued({ namespace: namespace('twice'), input: Buffer.from('12345') });
    const refused = t.throwsAsync(queue.add([job, ...many(6, 'twice')]), { code: 'queue_full' });
    await Promise.all([queue.add([job]), queue.add([job])]);
    await refused;
    t.like(await queue.use(namespace('twice')), { waiting: 1, bytes: 5 });
    t.is((await queue.list(namespace('twice'), { limit: 10 })).items.length, 1);
    t.is((await queue.counts()).waiting, 46);
  });

  test('a full queue accepts new jobs after others have completed', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(50));
    await t.throwsAsync(queue.add(many(1)));
    await collect(t.context.queues, 50);
    await until('the queue is empty', async () => (await queue.counts()).waiting === 0);
    await t.notThrowsAsync(queue.add(many(20)));
  });

  test('the total size of inputs in the queue is limited', async (t) => {
    const { queue } = t.context.queues;
    const half = (): ReturnType<typeof queued> => queued({ input: Buffer.alloc(500_000, 'x') });
    await queue.add([half(), half()]);
    await t.throwsAsync(queue.add([half()]), { message: /1 MB/ });
    t.like(await queue.counts(), { waiting: 2, bytes: 1_000_000 });
  });

  test('concurrent adds of two processes do not exceed the capacity of the queue', async (t) => {
    const { queues, other } = t.context;
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? queues : other).queue.add(many(3))),
    );
    const accepted = results.filter((result) => result.status === 'fulfilled').length;
    t.is(accepted, 16);
    t.is((await queues.queue.counts()).waiting, 48);
  });

  test('adds over the waiting_jobs quota of a namespace fail, and another namespace is not affected', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(10, BOUNDED));
    const error = await t.throwsAsync(queue.add(many(1, BOUNDED)));
    t.true(isAppError(error, 'quota_exceeded') && error.status === 429 && (error.retryAfter ?? 0) > 0);
    t.regex(error.message, /waiting_jobs of namespace "bounded".* 10 of 10/);
    await t.notThrowsAsync(queue.add(many(30, 'free')));
    t.is((await queue.counts()).waiting, 40);
    t.like(await queue.use(namespace(BOUNDED)), { waiting: 10, running: 0, delayed: 0, bytes: 20 });
    await until('the oldest job has an age', async () => (await queue.use(namespace(BOUNDED))).oldestMs > 0);
    t.is((await queue.use(namespace('nobody'))).oldestMs, 0);
  });

  test('jobs with an overdraft exceed the limits of queue and namespace by a quarter per level', async (t) => {
    const { queue } = t.context.queues;
    const overdrawn = (jobs: number, overdraft: number, of: string) =>
      queue.add(many(jobs, of).map((job) => ({ ...job, overdraft })));
    await queue.add(many(10, BOUNDED));
    await t.throwsAsync(overdrawn(4, 1, BOUNDED), { message: /waiting_jobs/ });
    await overdrawn(3, 1, BOUNDED);
    await overdrawn(3, 2, BOUNDED);
    await t.throwsAsync(overdrawn(1, 2, BOUNDED), { message: /waiting_jobs/ });
    await t.throwsAsync(queue.add(many(1, BOUNDED)), { message: /waiting_jobs/ });

    await queue.add(many(34, 'free'));
    await t.throwsAsync(overdrawn(14, 1, 'free'), { message: /full/ });
    await overdrawn(13, 1, 'free');
    await t.throwsAsync(queue.add(many(1, 'free')), { message: /full/ });
  });

  test('inputs of jobs with an overdraft exceed waiting_mb by a quarter per level', async (t) => {
    const { queue } = t.context.queues;
    const job = (bytes: number) => queued({ namespace: namespace(BOUNDED), input: Buffer.alloc(bytes) });
    await queue.add([job(1 << 19)]);
    await t.throwsAsync(queue.add([{ ...job((1 << 17) + 1), overdraft: 1 }]), { message: /waiting_mb/ });
    await queue.add([{ ...job(1 << 17), overdraft: 1 }]);
    await t.throwsAsync(queue.add([job(1)]), { message: /waiting_mb/ });
  });

  test('of concurrent adds only those over the quota of their namespace are rejected', async (t) => {
    const { queues, other } = t.context;
    const adds = Array.from({ length: 16 }, (_, index) =>
      (index % 2 === 0 ? queues : other).queue.add(many(2, index % 4 === 3 ? 'free' : BOUNDED)),
    );
    const results = await Promise.allSettled(adds);
    const accepted = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
    t.is(accepted.filter((index) => index % 4 === 3).length, 4);
    t.is(accepted.filter((index) => index % 4 !== 3).length, 5);
    t.is((await queues.queue.use(namespace(BOUNDED))).waiting, 10);
  });

  test('running jobs do not count as waiting, and ended jobs no longer count against the quota', async (t) => {
    const { queue } = t.context.queues;
    await queue.add(many(10, BOUNDED));
    const held = await hold(t.context.queues, 4);
    await held.started(4);
    // A worker may have prefetched jobs, which no longer count as waiting.
    await t.notThrowsAsync(queue.add(many(4, BOUNDED)));
    const refused = await untilRefused(() => queue.add(many(1, BOUNDED)));
    t.true(isAppError(refused, 'quota_exceeded'));
    const { waiting, running } = await queue.use(namespace(BOUNDED));
    t.is(waiting, 10);
    t.true(running >= 4);
    held.release();
    await until('all jobs have ended', async () => (await queue.use(namespace(BOUNDED))).bytes === 0);
    await t.notThrowsAsync(queue.add(many(10, BOUNDED)));
  });

  test('delayed jobs count against delayed_jobs until they are due, and then against waiting_jobs', async (t) => {
    const { queue } = t.context.queues;
    const delayed = (delayMs: number) => queued({ namespace: namespace(BOUNDED) }, { delayMs });
    // Not due before the checks that follow, also on a busy machine.
    await queue.add([delayed(4000), delayed(4000), ...Array.from({ length: 3 }, () => delayed(600_000))]);
    await t.throwsAsync(queue.add([delayed(600_000)]), { message: /delayed_jobs .* 5 of 5/ });
    await queue.add(many(9, BOUNDED));
    t.like(await queue.use(namespace(BOUNDED)), { waiting: 9, delayed: 5 });
    await until('two jobs are due', async () => (await queue.use(namespace(BOUNDED))).delayed === 3);
    t.like(await queue.use(namespace(BOUNDED)), { waiting: 11, delayed: 3 });
    await t.throwsAsync(queue.add(many(1, BOUNDED)), { message: /waiting_jobs/ });
    await queue.add([delayed(600_000), delayed(600_000)]);
    await t.throwsAsync(queue.add([delayed(600_000)]), { message: /delayed_jobs/ });
  });

  test('a cancelled delayed job no longer counts against delayed_jobs', async (t) => {
    const { queue } = t.context.queues;
    const jobs = Array.from({ length: 5 }, () =>
      queued({ namespace: namespace(BOUNDED) }, { delayMs: 600_000 }),
    );
    await queue.add(jobs);
    for (const { invocation } of jobs) t.is(await queue.cancel(invocation.id), 'removed');
    await until('no delayed job is left', async () => (await queue.use(namespace(BOUNDED))).delayed === 0);
    await t.notThrowsAsync(queue.add([queued({ namespace: namespace(BOUNDED) }, { delayMs: 600_000 })]));
  });

  test('the inputs of waiting and delayed jobs of a namespace are limited by waiting_mb', async (t) => {
    const { queue } = t.context.queues;
    const of = (name: string, delayMs: number) =>
      queued({ namespace: namespace(name), input: Buffer.alloc(200_000, 'x') }, { delayMs });
    await queue.add([of(BOUNDED, 0), of(BOUNDED, 600_000)]);
    await t.throwsAsync(queue.add([of(BOUNDED, 0)]), { message: /waiting_mb .* 0.38 MB of 0.5 MB/ });
    await t.notThrowsAsync(queue.add([of('free', 0)]));
    t.like(await queue.use(namespace(BOUNDED)), { waiting: 1, delayed: 1, bytes: 400_000 });
  });

  test('adding a queued id again is accepted at the quota and counts only once', async (t) => {
    const { queue } = t.context.queues;
    const jobs = many(10, BOUNDED);
    await queue.add(jobs);
    await t.notThrowsAsync(queue.add(jobs.slice(0, 3)));
    t.is((await queue.use(namespace(BOUNDED))).waiting, 10);
  });

  test('closing a queue twice has no effect, and a closed queue rejects new jobs', async (t) => {
    const { queue } = t.context.queues;
    await Promise.all([t.context.queues.close(), t.context.queues.close()]);
    await t.throwsAsync(queue.add(many(1)), { message: /accepted/ });
  });

  test('a job that runs while the queue is closed keeps its lease until it has ended', async (t) => {
    const { queues, other } = t.context;
    let end = () => {};
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    let leased = false;
    await queues.queue.consume(
      async () => {
        leased = (await queues.leases.acquire('closing', 1)) !== null;
        await held;
        return DONE;
      },
      { concurrency: 1 },
    );
    await queues.queue.add(many(1));
    await until('the job runs', () => leased);
    const closing = queues.close();
    await setTimeout(200);
    const whileRunning = await other.leases.held('closing');
    end();
    await closing;
    t.deepEqual([whileRunning, await other.leases.held('closing')], [1, 0]);
  });
}
