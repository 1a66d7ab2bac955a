import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { openQueues } from '../../queues/open.js';
import { DEFAULT_TIMINGS } from '../../queues/timings.js';
import { backlogConformance } from '../conformance/backlog.js';
import { crashesConformance } from '../conformance/crashes.js';
import { leasesConformance } from '../conformance/leases.js';
import { queueConformance } from '../conformance/queue.js';
import { limitsOf } from '../conformance/queue-admission.js';
import type { QueueContext } from '../conformance/queue-context.js';
import { schedulesConformance, TICK_RETRY_MS } from '../conformance/schedules.js';
import { syncAndAsyncConformance } from '../conformance/sync-and-async.js';
import { tasksConformance } from '../conformance/tasks.js';
import { tempDir } from '../helpers/temp-dir.js';

const { serial: test } = anyTest as TestFn<QueueContext>;
const dirs = tempDir();
/** For tests that start their own processes. */
const ownDir = tempDir();

test.beforeEach(async (t) => {
  const dir = await mkdtemp(join(dirs, 'queue-'));
  const queues = await openQueues({
    driver: 'sqlite',
    dir,
    maxWaiting: 50,
    maxBytes: 1 << 20,
    limitsOf,
    timings: { ...DEFAULT_TIMINGS, tickRetryMs: TICK_RETRY_MS },
  });
  t.context = { queues, other: queues };
});
test.afterEach.always((t) => t.context.queues.close());

queueConformance(test);
crashesConformance(test, () => ['sqlite', ownDir]);
syncAndAsyncConformance(test);
tasksConformance(test);
schedulesConformance(test);
backlogConformance(test, (context) => context.queues.backlog);
leasesConformance(test, (context) => [context.queues.leases, context.other.leases]);
