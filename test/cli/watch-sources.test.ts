import fs, { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { watchSources } from '../../src/cli/watch-sources.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const root = tempDir();

test('watching continues when a directory is deleted while it is listed', async (t) => {
  const list = fs.readdirSync;
  mkdirSync(join(root, 'gone'));
  let isArmed = false;
  let isDeleted = false;
  // Node lists a directory that has changed after it has checked that it exists.
  const deleteFirst = (...args: Parameters<typeof list>) => {
    if (String(args[0]).endsWith('/gone') && isArmed && !isDeleted) {
      // Before the deletion, which lists the directory, too.
      isDeleted = true;
      rmSync(String(args[0]), { recursive: true });
    }
    return list(...args);
  };
  Object.assign(fs, { readdirSync: deleteFirst });
  t.teardown(() => Object.assign(fs, { readdirSync: list }));

  const stop = new AbortController();
  const seen = new Set<string>();
  const errors: unknown[] = [];
  const watching = watchSources(
    root,
    { signal: stop.signal, report: (error) => errors.push(error) },
    async (files) => {
      for (const file of files ?? []) seen.add(file);
    },
  );
  isArmed = true;
  writeFileSync(join(root, 'gone', 'new.ts'), '');
  if (process.platform === 'linux') await until('the deletion', async () => isDeleted);
  await until('a later change', async () => {
    writeFileSync(join(root, 'index.ts'), String(Math.random()));
    // A burst of changes ends with a pause.
    await sleep(500);
    return seen.has('index.ts');
  });
  stop.abort();
  await watching.ended;
  t.deepEqual(errors, []);
});
