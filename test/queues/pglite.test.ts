import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { DEFAULT_TIMINGS } from '../../queues/driver.js';
import { PgliteDatabase } from '../../queues/drivers/pglite/database.js';
import { openQueuesOn } from '../../queues/drivers/pglite.js';
import { backlogConformance } from '../conformance/backlog.js';
import { crashesConformance } from '../conformance/crashes.js';
import { leasesConformance } from '../conformance/leases.js';
import { type QueueContext, queueConformance } from '../conformance/queue.js';
import { shareOf } from '../conformance/queue-admission.js';
import { schedulesConformance } from '../conformance/schedules.js';
import { lanesConformance } from '../conformance/sync-and-async.js';
import { tasksConformance } from '../conformance/tasks.js';
import { tempDir } from '../helpers/temp-dir.js';

const test = anyTest.serial as unknown as TestFn<QueueContext>;
const dir = tempDir();
/** For processes of a test's own. */
const ownDir = tempDir();
const SETTINGS = {
  dir,
  maxWaiting: 50,
  maxBytes: 1 << 20,
  timings: DEFAULT_TIMINGS,
  warn: () => {},
  shareOf,
};

// Starting Postgres takes seconds, emptying it does not: one for all tests, each with a queue of its own on it.
let database: PgliteDatabase;
test.before(async () => {
  database = await PgliteDatabase.open(join(dir, 'queue'));
});
test.after.always(() => database.end());

test.beforeEach(async (t) => {
  await empty(database);
  const queues = await openQueuesOn(database, SETTINGS);
  t.context = { queues, other: queues };
});
test.afterEach.always((t) => t.context.queues.close());

queueConformance(test);
crashesConformance(test, () => ['pglite', ownDir]);
lanesConformance(test);
tasksConformance(test);
schedulesConformance(test);
backlogConformance(test, (context) => context.queues.backlog);
leasesConformance(test, (context) => [context.queues.leases, context.other.leases]);

async function empty(database: PgliteDatabase): Promise<void> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname IN ('bullmq', 'orama') AND tablename <> 'migration'`,
  );
  await database.query(`TRUNCATE ${rows.map(({ name }) => name).join(', ')}`);
}
