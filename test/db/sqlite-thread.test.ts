import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();
const exhausted = fileURLToPath(new URL('./processes/exhausted-thread.js', import.meta.url));

test('a process whose SQLite thread runs out of memory ends instead of failing every statement', (t) => {
  const args = ['--max-old-space-size=64', exhausted, join(directory, 'store.sqlite')];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 240_000 });
  t.is(status, 1, stderr);
  t.regex(stderr, /ERR_WORKER_OUT_OF_MEMORY/);
});

const exitDuringCall = fileURLToPath(new URL('./processes/exit-during-call.js', import.meta.url));

for (const kind of ['store', 'queue']) {
  test(`a process that exits while the ${kind}'s thread is in a call ends with its exit code`, (t) => {
    const args = [exitDuringCall, kind, join(directory, `${kind}.sqlite`)];
    const { status, signal, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 240_000,
    });
    t.deepEqual({ status, signal }, { status: 7, signal: null }, stderr);
  });
}
