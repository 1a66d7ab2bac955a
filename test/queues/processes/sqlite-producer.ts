import { withBackend } from 'bullmq';
import { createSqliteBackend } from '../../../queues/drivers/sqlite/backend/create-backend.js';

// Adds and completes jobs until it is killed, and reports each acknowledged addition and
// completion.
const [path = '', prefix = ''] = process.argv.slice(2);
const { Queue, Worker } = withBackend(createSqliteBackend);
const queue = new Queue('work', { connection: { path } });
new Worker('work', async () => 'done', { connection: { path }, concurrency: 4 }).on('completed', (job) =>
  process.send?.({ completed: job.id }),
);
for (let batch = 0; ; batch++) {
  const ids = Array.from({ length: 5 }, (_, n) => `${prefix}${batch}-${n}`);
  await queue.addBulk(ids.map((jobId) => ({ name: 'job', data: {}, opts: { jobId } })));
  for (const id of ids) process.send?.({ acknowledged: id });
}
