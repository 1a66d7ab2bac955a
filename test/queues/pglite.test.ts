import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { openQueues, type Queues } from '../../queues/open.js';
import { backlogConformance } from '../conformance/backlog.js';
import { leasesConformance } from '../conformance/leases.js';
import { type QueueContext, queueConformance } from '../conformance/queue.js';
import { schedulesConformance } from '../conformance/schedules.js';
import { tasksConformance } from '../conformance/tasks.js';

const test = anyTest.serial as unknown as TestFn<QueueContext & { dir: string }>;
let made: string;

const open = (dir: string): Promise<Queues> =>
  openQueues({ driver: 'pglite', dir, maxWaiting: 50, maxBytes: 1 << 20 });

// Making a database takes seconds, copying one does not.
test.before(async () => {
  made = await mkdtemp(join(tmpdir(), 'orama-queue-'));
  await (await open(made)).close();
});
test.after.always(() => rm(made, { recursive: true, force: true }));

test.beforeEach(async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'orama-queue-'));
  await cp(made, dir, { recursive: true });
  const queues = await open(dir);
  t.context = { dir, queues, other: queues };
});
test.afterEach.always(async (t) => {
  await t.context.queues.close();
  await rm(t.context.dir, { recursive: true, force: true });
});

const suite = test as unknown as TestFn<QueueContext>;
queueConformance(suite);
tasksConformance(suite);
schedulesConformance(suite);
backlogConformance(suite, (context) => context.queues.backlog);
leasesConformance(suite, (context) => [context.queues.leases, context.other.leases]);
