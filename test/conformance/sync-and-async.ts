import type { SerialFn } from 'ava';
import { newRequestId } from '../../src/core/invocations/job.js';
import type { InvocationQueue, QueuedInvocation, Settlement } from '../../src/ports/queue.js';
import { closedGate } from '../helpers/gate.js';
import { queued } from '../helpers/invocations.js';
import { succeeds } from '../helpers/succeeds.js';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

const DONE: Settlement = { kind: 'done' };

const QUICK_ONES = 200;

const KINDS = [
  ['async', () => queued()],
  ['sync', () => queued({ replyTo: 'web-1' })],
] as const;

/** Runs enough quick jobs for a consumer with 16 slots to prefetch others. */
async function runQuickOnes(queue: InvocationQueue, make = () => queued()): Promise<void> {
  for (let count = 0; count < QUICK_ONES; count += 40) {
    await queue.add(Array.from({ length: 40 }, make));
    await until('the quick jobs have completed', async () => (await queue.counts()).bytes === 0);
  }
}

/** Tests for every driver of `InvocationQueue` about the precedence of sync over async jobs. */
export function syncAndAsyncConformance(test: SerialFn<QueueContext>): void {
  test('a sync job is delivered while async jobs occupy all slots', async (t) => {
    const { queue } = t.context.queues;
    const { opened: held, open: release } = closedGate();
    const events = new Set<string>();
    const calls = new Set<string>();
    await queue.add(Array.from({ length: 10 }, () => queued()));
    await queue.consume(
      async ({ invocation }) => {
        if (invocation.replyTo !== undefined) calls.add(invocation.id);
        else {
          events.add(invocation.id);
          await held;
        }
        return DONE;
      },
      { concurrency: 4 },
    );
    await until('async jobs occupy all slots', () => events.size === 4);
    await queue.add([queued({ replyTo: 'web-1' })]);
    await until('the sync job is delivered', () => calls.size === 1);
    t.is(events.size, 4);
    release();
    await until('the async jobs have run', () => events.size === 10);
  });

  test('sync or async jobs alone use up to `concurrency` slots, and both together a quarter plus one more', async (t) => {
    const { queue } = t.context.queues;
    let inUse = 0;
    let most = 0;
    let done = 0;
    let full = closedGate();
    const run = async (...groups: QueuedInvocation[][]) => {
      [most, done] = [0, 0];
      full = closedGate();
      await Promise.all(groups.map((jobs) => queue.add(jobs)));
      await until('all jobs have run', () => done === groups.flat().length);
      return most;
    };
    const events = Array.from({ length: 12 }, () => queued());
    const calls = Array.from({ length: 12 }, () => queued({ replyTo: 'web-1' }));
    const again = (jobs: QueuedInvocation[]) =>
      jobs.map(({ invocation }) => queued({ ...invocation, id: newRequestId() }));
    await queue.consume(
      async () => {
        most = Math.max(most, ++inUse);
        // However long the jobs take to arrive, they are held until they use all slots.
        if (inUse >= 4) full.open();
        await full.opened;
        await new Promise((resolve) => setTimeout(resolve, 20));
        inUse--;
        done++;
        return DONE;
      },
      { concurrency: 4 },
    );
    t.is(await run(events), 4);
    t.is(await run(calls), 4);
    const together = await run(again(events), again(calls));
    // 4, a quarter more for calls beside events, and one: while calls hold all slots for 50 ms, the
    // events of a namespace without a slot get a reserved one. Otherwise an endless series of calls
    // would keep every event waiting; slot-limiter.test.ts checks the number.
    t.true(together >= 4 && together <= 6, String(together));
  });

  for (const [jobs, make] of KINDS) {
    test(`prefetched ${jobs} jobs wait for a slot, and at most two are prefetched while jobs are slow`, async (t) => {
      const { queue } = t.context.queues;
      const slots = 16;
      let gate = Promise.resolve();
      let inUse = 0;
      let most = 0;
      let done = 0;
      await queue.consume(
        async () => {
          most = Math.max(most, ++inUse);
          await gate;
          inUse--;
          done++;
          return DONE;
        },
        { concurrency: slots },
      );
      await runQuickOnes(queue, make);
      // The few jobs that are not held count as quick, but are too few to cause a prefetch. While
      // slow jobs hold all slots, PROBES more are fetched and not run: one may belong to another
      // namespace, which would not be seen otherwise, and gets a reserved slot.
      for (const [total, atMost] of [
        [QUICK_ONES + 20, 4 * slots],
        [QUICK_ONES + 40, slots + 2],
      ] as const) {
        const { opened, open } = closedGate();
        gate = opened;
        await queue.add(Array.from({ length: 20 }, make));
        await until('slow jobs occupy all slots', () => inUse === slots);
        await new Promise((resolve) => setTimeout(resolve, 200));
        const { running } = await queue.counts();
        open();
        t.true(running >= slots && running <= atMost, `${running} are fetched`);
        await until('the slow jobs have run', () => done === total);
      }
      t.is(most, slots);
    });
  }

  test('a job that has released its slot allows the next job to run before it completes', async (t) => {
    const { queue } = t.context.queues;
    const slots = 16;
    let gate: Promise<void> | undefined;
    let over = 0;
    await queue.consume(
      async ({ releaseSlot }) => {
        releaseSlot();
        releaseSlot();
        over++;
        await gate;
        return DONE;
      },
      { concurrency: slots },
    );
    const haveReleased = () => until('all jobs have released their slots', () => over === 40, 10_000);
    let open = () => {};
    // A job that a busy machine delays is not quick, and then so many are not fetched.
    for (let time = 0; time < 5; time++) {
      open();
      await until('no job is left', async () => (await queue.counts()).bytes === 0);
      await runQuickOnes(queue);
      const held = closedGate();
      open = held.open;
      gate = held.opened;
      over = 0;
      await queue.add(Array.from({ length: 40 }, () => queued()));
      if (await succeeds(haveReleased())) break;
    }
    await haveReleased();
    t.is((await queue.counts()).running, 40);
    open();
    await until('all jobs have completed', async () => (await queue.counts()).bytes === 0);
  });

  test('after a sync job has arrived, an async job keeps its slot until it completes', async (t) => {
    const { queue } = t.context.queues;
    const slots = 16;
    let gate: Promise<void> | undefined;
    let over = 0;
    await queue.consume(
      async ({ releaseSlot, invocation }) => {
        releaseSlot();
        if (invocation.replyTo !== undefined) return DONE;
        over++;
        await gate;
        return DONE;
      },
      { concurrency: slots },
    );
    await runQuickOnes(queue);
    const { opened, open } = closedGate();
    gate = opened;
    await queue.add([queued({ replyTo: 'web-1' })]);
    await until('the sync job has completed', async () => (await queue.counts()).bytes === 0);
    await queue.add(Array.from({ length: 40 }, () => queued()));
    await until('async jobs have begun', () => over > QUICK_ONES);
    await new Promise((resolve) => setTimeout(resolve, 200));
    t.true(over <= QUICK_ONES + slots, `${over - QUICK_ONES} at once`);
    open();
    await until(
      'all jobs have completed',
      async () => over === QUICK_ONES + 40 && (await queue.counts()).bytes === 0,
    );
  });

  test('an id queued as async is not added as sync, nor an id queued as sync as async', async (t) => {
    const { queue } = t.context.queues;
    const [event, call] = [newRequestId(), newRequestId()];
    await queue.add([queued({ id: event })]);
    await queue.add([queued({ id: call, replyTo: 'web-1' })]);
    await queue.add([queued({ id: event, replyTo: 'web-1' })]);
    await queue.add([queued({ id: call })]);
    t.is((await queue.counts()).waiting, 2);
    const seen: string[] = [];
    await queue.consume(
      async ({ invocation }) => {
        seen.push(`${invocation.id === event ? 'event' : 'call'} ${invocation.replyTo ?? 'nobody'}`);
        return DONE;
      },
      { concurrency: 1 },
    );
    await until('both jobs have run', async () => seen.length >= 2 && (await queue.counts()).bytes === 0);
    t.deepEqual(seen.toSorted(), ['call web-1', 'event nobody']);
  });

  test('a sync job can be read, listed and cancelled', async (t) => {
    const { queue } = t.context.queues;
    const job = queued({ replyTo: 'web-1' });
    await queue.add([job]);
    const { id, namespace } = job.invocation;
    t.like(await queue.get(id), { state: 'queued' });
    t.is((await queue.list(namespace, { limit: 10 })).items.length, 1);
    t.is(await queue.cancel(id), 'removed');
    t.is(await queue.get(id), null);
    await until('the cancelled job no longer counts', async () => (await queue.counts()).bytes === 0);
    t.is((await queue.counts()).waiting, 0);
  });
}
