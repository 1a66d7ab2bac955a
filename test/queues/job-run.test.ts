import test from 'ava';
import { CancelRequests } from '../../queues/cancel-requests.js';
import { CrashGuard } from '../../queues/crash-guard.js';
import type { QueueDriver } from '../../queues/driver.js';
import type { InvocationJob } from '../../queues/job-data.js';
import { JobRun } from '../../queues/job-run.js';
import { JobSettler } from '../../queues/job-settler.js';
import type { JobStore } from '../../queues/job-store.js';
import { Prefetch } from '../../queues/prefetch.js';
import { SlotLimiter } from '../../queues/slot-limiter.js';

const TOKEN = 'token';

/** A part that this test must not use. */
const unused = <T extends object>(name: string): T =>
  new Proxy({} as T, {
    get: (_, property) => {
      throw new Error(`${name}.${String(property)} was used`);
    },
  });

test('a run that loses its job while it waits for a slot is not delivered', async (t) => {
  const journal = {
    write: async () => {},
    read: async () => new Map<string, number | null>(),
    close: async () => {},
  };
  const cancelRequests = new CancelRequests(unused<QueueDriver>('driver'), () => {});
  const slots = new SlotLimiter(1);
  t.teardown(() => slots.close());
  const guard = new CrashGuard(journal);
  t.teardown(() => guard.close());
  const held = slots.acquire('async', 'other', cancelRequests.track('other', 'other token'));
  const settler = new JobSettler({
    store: unused<JobStore>('store'),
    warn: () => {},
    jobCounts: { ended: () => t.fail(), postponed: () => t.fail() },
  });
  const delivered: unknown[] = [];
  const context = {
    ...{ kind: 'async' as const, slots, guard, cancelRequests, settler, jobCounts: {}, warn: () => {} },
    handler: async (delivery: unknown) => {
      delivered.push(delivery);
      return { kind: 'done' as const };
    },
    prefetch: new Prefetch('async', 1, () => {}),
    isClosing: () => false,
  };
  const job = { id: 'job', data: { n: 'one', s: 1 }, stalledCounter: 0, attemptsStarted: 1 };
  const running = new JobRun(context, job as unknown as InvocationJob, TOKEN).run();
  cancelRequests.lose(TOKEN);
  t.is(await running, 'moved');
  t.deepEqual(delivered, []);
  t.false(held instanceof Promise, 'the only slot is held all the time');
});
