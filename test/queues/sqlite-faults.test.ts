import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { withBackend } from 'bullmq';
import { createSqliteBackend } from '../../queues/drivers/sqlite/create-backend.js';
import { startChild } from '../helpers/child.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const dir = tempDir();
const { Queue } = withBackend(createSqliteBackend);

for (const round of [1, 2, 3]) {
  test(`what a killed process had acknowledged is there, as far as it had come (${round})`, async (t) => {
    const connection = { path: join(dir, `killed-${round}.db`) };
    const producer = startChild(new URL('./processes/sqlite-producer.js', import.meta.url), [
      connection.path,
    ]);
    t.teardown(() => producer.kill('SIGKILL'));
    await until('it has acknowledged jobs', () => producer.messages.length > 300 * round, 60_000);
    await producer.kill('SIGKILL');
    const reports = producer.messages as { acknowledged?: string; completed?: string }[];
    const acknowledged = new Set(reports.flatMap((report) => report.acknowledged ?? []));
    const completed = new Set(reports.flatMap((report) => report.completed ?? []));
    t.true(acknowledged.size > 100 && completed.size > 0);

    const queue = new Queue('work', { connection });
    t.teardown(() => queue.close());
    const jobs = await queue.getJobs(['completed', 'waiting', 'active']);
    const found = new Set(jobs.map((job) => job.id ?? ''));
    t.deepEqual(
      [...acknowledged].filter((id) => !found.has(id)),
      [],
    );
    const done = new Set(jobs.filter((job) => job.finishedOn !== undefined).map((job) => job.id ?? ''));
    t.deepEqual(
      [...completed].filter((id) => !done.has(id)),
      [],
    );
  });
}

const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
(mayMount ? test : test.skip)(
  'a full disk refuses whole what it cannot keep, and keeps what it accepted',
  async (t) => {
    const script = fileURLToPath(new URL('./processes/sqlite-full-disk.js', import.meta.url));
    const child = spawn('unshare', ['-m', process.execPath, script, join(dir, 'disk')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const [report] = (await once(child, 'message')) as [Record<string, unknown>];
    t.log(report);
    t.like(report, { lost: 0, extra: [], rejectedWhole: true, after: 'done' });
    t.deepEqual(report.refusals, ['SQLITE_FULL']);
    t.true(
      report.settled === 'SQLITE_FULL'
        ? report.stateWhileFull === 'active'
        : report.stateWhileFull === 'completed',
    );
  },
);
