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
    await guard.beganDurably('other', 0, 'token-3');
    const journal = await FileCrashJournal.open(dir);
    await journal.close();
    return [...(await journal.read())].sort();
  };
  guard.began('job', 0, 'token-1');
  guard.began('job', 0, 'token-2');
  guard.ended('job', 0, 'token-1');
  t.deepEqual(await recorded(), ['job:0', 'other:0']);
  guard.ended('job', 0, 'token-2');
  t.deepEqual(await recorded(), ['other:0']);
});
