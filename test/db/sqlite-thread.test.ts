import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

/** Runs a script with a heap of 64 MB for each thread. */
function run(script: string, file: string) {
  const args = ['--max-old-space-size=64', '--input-type=module', '--eval', script, file];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
}

test('a process whose SQLite thread runs out of memory ends instead of failing every statement', (t) => {
  const { status, stderr } = run(
    `import { SqliteThread } from './dist/db/drivers/sqlite/sqlite-thread.js';
     const thread = await SqliteThread.open({ file: process.argv[1] });
     const sql = 'with recursive n(i) as (select 1 union all select i + 1 from n limit 10000000) select i from n';
     setInterval(() => {}, 1000);
     await thread.execute([{ sql, bindings: [] }]).catch(() => undefined);`,
    join(directory, 'store.sqlite'),
  );
  t.is(status, 1, stderr);
  t.regex(stderr, /ERR_WORKER_OUT_OF_MEMORY/);
});
