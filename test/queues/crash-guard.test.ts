import test from 'ava';
import { CrashGuard } from '../../queues/crash-guard.js';
import { FileCrashJournal } from '../../queues/drivers/sqlite/crash-journal.js';
import { tempDir } from '../helpers/temp-dir.js';

const dir = tempDir();

test('a retried job that runs again stays recorded when the end of its earlier run is handled', async (t) => {
  const guard = new CrashGuard(await FileCrashJournal.open(dir));
  t.teardown(() => guard.close());
  /** What a process that starts now would read, if this one had died. */
  const recorded = async () => {
    // Writes all runs.
    await guard.run('other', 0).beganDurably();
    const journal = await FileCrashJournal.open(dir);
    await journal.close();
    return [...(await journal.read())].sort();
  };
  const [earlier, later] = [guard.run('job', 0), guard.run('job', 0)];
  earlier.began();
  later.began();
  earlier.ended();
  t.deepEqual(await recorded(), ['job:0', 'other:0']);
  later.ended();
  t.deepEqual(await recorded(), ['other:0']);
});
