import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import test from 'ava';
import { parsedFile } from '../../src/egress/parsed-file.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

test('a file that could not be read for a moment is read again, and one that is removed is empty', async (t) => {
  const path = join(directory, 'hosts');
  const read = parsedFile(path, (text) => text);
  t.is(await read(), '');
  await fs.writeFile(path, 'first');
  const allow = refuseReads();
  t.teardown(allow);
  t.is(await read(), '');
  allow();
  t.is(await read(), 'first');
  await fs.writeFile(path, 'a second text');
  const allowAgain = refuseReads();
  t.teardown(allowAgain);
  t.is(await read(), 'first');
  allowAgain();
  t.is(await read(), 'a second text');
  await fs.rm(path);
  t.is(await read(), '');
});

/** Has reads fail as in a process without file descriptors, until the result is called. */
function refuseReads(): () => void {
  const { readFile } = fs;
  const use = (read: unknown) => {
    Object.assign(fs, { readFile: read });
    syncBuiltinESMExports();
  };
  use(() => Promise.reject(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })));
  return () => use(readFile);
}
