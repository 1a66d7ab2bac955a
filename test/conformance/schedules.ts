import type { SerialFn } from 'ava';
import { until } from '../helpers/until.js';
import type { QueueContext } from './queue-context.js';

/** The context's queues deliver a tick that has failed again after this time, in milliseconds. */
export const TICK_RETRY_MS = 1500;

const EVERY_SECOND = '* * * * * *';
const NEVER_NOW = '0 0 1 1 *';

/** Tests for every driver of `InvocationQueue` about schedules. */
export function schedulesConformance(test: SerialFn<QueueContext>): void {
  test('a schedule ticks once per due time with two processes listening', async (t) => {
    const { queues, other } = t.context;
    const ticks: number[] = [];
    for (const { queue } of new Set([queues, other])) {
      await queue.onTick(async (id, scheduledAt) => {
        if (id === 's1') ticks.push(scheduledAt);
      });
    }
    await queues.queue.schedule({ id: 's1', cron: EVERY_SECOND, timezone: 'UTC' });
    await until('the schedule has ticked three times', () => ticks.length >= 3);
    t.is(new Set(ticks).size, ticks.length);
    t.true(ticks.every((at) => at % 1000 === 0));
  });

  test('the next tick depends on the time zone of the schedule', async (t) => {
    const { queue } = t.context.queues;
    await queue.schedule({ id: 'tokyo', cron: NEVER_NOW, timezone: 'Asia/Tokyo' });
    await queue.schedule({ id: 'utc', cron: NEVER_NOW, timezone: 'UTC' });
    const [tokyo, utc] = [await queue.nextScheduledRun('tokyo'), await queue.nextScheduledRun('utc')];
    t.is((utc ?? 0) - (tokyo ?? 0), 9 * 3_600_000);
    t.is(await queue.nextScheduledRun('unknown'), null);
  });

  test('a removed schedule does not tick', async (t) => {
    const { queue } = t.context.queues;
    await queue.schedule({ id: 's1', cron: EVERY_SECOND, timezone: 'UTC' });
    await queue.unschedule('s1');
    await queue.unschedule('s1');
    t.is(await queue.nextScheduledRun('s1'), null);
    const ticks: string[] = [];
    await queue.onTick(async (id) => {
      ticks.push(id);
    });
    await queue.schedule({ id: 's2', cron: EVERY_SECOND, timezone: 'UTC' });
    await until('another schedule has ticked', () => ticks.length >= 2);
    t.false(ticks.includes('s1'));
  });

  test('changing the cron expression of a schedule changes its next tick', async (t) => {
    const { queue } = t.context.queues;
    await queue.schedule({ id: 's1', cron: NEVER_NOW, timezone: 'UTC' });
    const before = await queue.nextScheduledRun('s1');
    await queue.schedule({ id: 's1', cron: '0 0 1 2 *', timezone: 'UTC' });
    t.not(await queue.nextScheduledRun('s1'), before);
  });

  test('ticks missed without a listener are delivered as one, even if the schedule is set again', async (t) => {
    const { queue } = t.context.queues;
    await queue.schedule({ id: 's1', cron: EVERY_SECOND, timezone: 'UTC' });
    const due = (await queue.nextScheduledRun('s1')) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await queue.schedule({ id: 's1', cron: EVERY_SECOND, timezone: 'UTC' });
    const back = Date.now();
    const ticks: number[] = [];
    await queue.onTick(async (_id, scheduledAt) => {
      ticks.push(scheduledAt);
    });
    await until('the schedule ticks again', () => ticks.length >= 2);
    t.is(ticks[0], due);
    t.true((ticks[1] ?? 0) >= back - 1000, 'the missed ticks are not repeated');
  });

  test('of the ticks that fail while the store is unreachable, the first is delivered when it is back', async (t) => {
    const { queue } = t.context.queues;
    const failed = new Set<number>();
    const ticks: number[] = [];
    let isDown = true;
    await queue.onTick(async (_id, scheduledAt) => {
      if (!isDown) return void ticks.push(scheduledAt);
      failed.add(scheduledAt);
      throw new Error('the store is unreachable');
    });
    await queue.schedule({ id: 's1', cron: EVERY_SECOND, timezone: 'UTC' });
    await until('four ticks have failed', () => failed.size >= 4);
    isDown = false;
    const back = Date.now();
    const [first] = failed;
    await until('the schedule goes on', () => ticks.filter((at) => at > back + 2 * TICK_RETRY_MS).length > 0);
    t.deepEqual(
      ticks.filter((at) => failed.has(at)),
      [first],
    );
  });
}
