import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { withBackend } from 'bullmq';
import { createSqliteBackend } from '../../queues/drivers/sqlite/backend/create-backend.js';
import { startChild } from '../helpers/child.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const dir = tempDir();
const { Queue } = withBackend(createSqliteBackend);

for (const round of [1, 2, 3]) {
  test(`jobs acknowledged or completed before a SIGKILL are found in that state (${round})`, async (t) => {
    const connection = { path: join(dir, `killed-${round}.db`) };
    const producer = startChild(new URL('./processes/sqlite-producer.js', import.meta.url), [
      connection.path,
    ]);
    t.teardown(() => producer.kill('SIGKILL'));
    const reports = producer.messages as { acknowledged?: string; completed?: string }[];
    await until(
      'the producer has acknowledged and completed jobs',
      () => reports.length > 300 * round && reports.some(({ completed }) => completed !== undefined),
    );
    await producer.kill('SIGKILL');
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

test('two processes on one database file run each job once, and no acknowledged job is lost', async (t) => {
  const connection = { path: join(dir, 'shared.db') };
  const module = new URL('./processes/sqlite-producer.js', import.meta.url);
  const processes = [startChild(module, [connection.path, 'a']), startChild(module, [connection.path, 'b'])];
  t.teardown(() => Promise.all(processes.map((each) => each.kill('SIGKILL'))));
  const completedBy = () =>
    processes.map(({ messages }) =>
      (messages as { completed?: string }[]).flatMap(({ completed }) => completed ?? []),
    );
  await until('both have run jobs', () => completedBy().every((ids) => ids.length > 200), 60_000);
  for (const each of processes) await each.kill('SIGKILL');
  const completed = completedBy().flat();
  t.is(new Set(completed).size, completed.length);
  const queue = new Queue('work', { connection });
  t.teardown(() => queue.close());
  const jobs = await queue.getJobs(['completed', 'waiting', 'active']);
  const found = new Set(jobs.map((job) => job.id ?? ''));
  const acknowledged = processes.flatMap(({ messages }) =>
    (messages as { acknowledged?: string }[]).flatMap((report) => report.acknowledged ?? []),
  );
  t.deepEqual(
    acknowledged.filter((id) => !found.has(id)),
    [],
  );
});

/** Mounting a small disk requires a privilege; a mount namespace hides it from other processes. */
const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
const testOnSmallDisk = mayMount ? test : test.skip;

async function reportOf(t: ExecutionContext, script: URL): Promise<Record<string, unknown>> {
  const path = fileURLToPath(script);
  const child = spawn('unshare', ['-m', process.execPath, path, join(dir, basename(path))], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [report] = (await once(child, 'message')) as [Record<string, unknown>];
  t.log(report);
  return report;
}

testOnSmallDisk('on a full disk a batch is rejected as a whole, and accepted jobs are kept', async (t) => {
  const report = await reportOf(t, new URL('./processes/sqlite-full-disk.js', import.meta.url));
  t.like(report, { lost: 0, extra: [], rejectedWhole: true, after: 'done' });
  t.deepEqual(report.refusals, ['SQLITE_FULL']);
  t.is(report.stateWhileFull, report.settled === 'SQLITE_FULL' ? 'active' : 'completed');
});

testOnSmallDisk(
  'the embedded queue settles jobs that ended on a full disk once there is space',
  async (t) => {
    const report = await reportOf(t, new URL('./processes/embedded-full-disk.js', import.meta.url));
    t.true((report.accepted as number) > 0);
    t.deepEqual(report.refusals, ['unavailable']);
    t.like(report, { ranTwice: 0, done: ['failures 0'] });
    t.deepEqual(report.retry, ['failures 0', 'failures 1']);
    t.deepEqual(report.later, ['failures 0', 'failures 0']);
  },
);
