import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { spawnEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';

const root = tempDir();

/**
 * What is in the place of each file or directory. As this fails for root too, it stands for a file
 * that belongs to another user.
 */
const WRONG: readonly (readonly [name: string, what: 'directory' | 'file'])[] = [
  ['admin-key', 'directory'],
  ['secrets-key', 'directory'],
  ['lock', 'directory'],
  ['databases', 'file'],
  ['running', 'file'],
  ['url', 'directory'],
];

for (const [name, what] of WRONG) {
  test(`orama up with a ${what} in the place of "${name}" exits with 1 and a sentence that names it`, async (t) => {
    const dataDir = await mkdtemp(join(root, 'data-'));
    const path = join(dataDir, name);
    await (what === 'directory' ? mkdir(path, { mode: 0o700 }) : writeFile(path, '', { mode: 0o600 }));
    const { process: engine, log } = spawnEngine(dataDir, {});
    t.deepEqual(await once(engine, 'close'), [1, null]);
    t.is(log().trim().split('\n').length, 1, log());
    t.regex(log(), /^error: /);
    t.true(log().includes(dataDir) && log().includes(name), log());
    t.notRegex(log(), /it failed/);
    const drafts = (await readdir(dataDir)).filter((entry) => /^\.(admin-key|secrets-key|url)\./.test(entry));
    t.deepEqual(drafts, [], 'nothing half-written is left');
  });
}
