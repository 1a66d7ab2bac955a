import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { CrashGuard } from '../../queues/crash-guard.js';
import { FileCrashJournal } from '../../queues/drivers/sqlite/crash-journal.js';
import { tempDir } from '../helpers/temp-dir.js';

const dir = tempDir();
const crashed = tempDir();
const versions = tempDir();
const retried = tempDir();

test('a retried job that runs again stays recorded when the end of its earlier run is handled', async (t) => {
  const guard = new CrashGuard(await FileCrashJournal.open(dir));
  t.teardown(() => guard.close());
  /** What a process that starts now would read, if this one had died. */
  const recorded = async () => {
    // Writes all runs.
    await guard.run('other', 0).beganDurably();
    const journal = await FileCrashJournal.open(dir);
    await journal.close();
    return [...(await journal.read()).keys()].sort();
  };
  const [earlier, later] = [guard.run('job', 0), guard.run('job', 0)];
  earlier.began();
  later.began();
  earlier.ended();
  t.deepEqual(await recorded(), ['job:0', 'other:0']);
  later.ended();
  t.deepEqual(await recorded(), ['other:0']);
});

test('the records of processes that crashed use no more space than their text', async (t) => {
  const dead = await FileCrashJournal.open(crashed);
  await dead.write(['job:0', 'other:1']);
  const sizes = async () => {
    const directory = join(crashed, 'running');
    const names = await readdir(directory);
    return Promise.all(names.sort().map(async (name) => (await stat(join(directory, name))).size));
  };
  // The first start reads the whole file, the second what the first has left of it.
  for (const start of [1, 2]) {
    const journal = await FileCrashJournal.open(crashed);
    t.deepEqual([...(await journal.read()).keys()], ['job:0', 'other:1'], `start ${start}`);
    t.deepEqual(await sizes(), ['job:0\nother:1\n\n'.length, 65_536], `start ${start}`);
    await journal.close();
  }
});

test('the start of a run that a crash ended is read, and is unknown of a run that an earlier version recorded', async (t) => {
  const since = Date.now();
  const dead = new CrashGuard(await FileCrashJournal.open(versions));
  await dead.run('job', 1).beganDurably();
  const earlier = await FileCrashJournal.open(versions);
  await earlier.write(['job:0']);
  const guard = new CrashGuard(await FileCrashJournal.open(versions));
  t.teardown(() => Promise.all([dead.close(), earlier.close(), guard.close()]));
  const { whileRunning, starts } = await guard.run('job', 3).crashes();
  t.is(whileRunning, 2);
  const [first, second, third] = starts;
  t.deepEqual([first, third], [null, null]);
  t.true(second !== null && second !== undefined && second >= since && second <= Date.now());
});

test('the start of a retried job that runs again is that of its later run', async (t) => {
  const guard = new CrashGuard(await FileCrashJournal.open(retried));
  t.teardown(() => guard.close());
  guard.run('job', 0).began();
  await guard.run('other', 0).beganDurably();
  await setTimeout(20);
  const since = Date.now();
  guard.run('job', 0).began();
  await setTimeout(100);
  const journal = await FileCrashJournal.open(retried);
  t.teardown(() => journal.close());
  t.true(((await journal.read()).get('job:0') ?? 0) >= since);
});
