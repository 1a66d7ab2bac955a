import { execFile } from 'node:child_process';
import { chmod, type FileHandle, mkdir, open, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { assertWritable } from '../../src/compose/writable.js';
import { openDataDir } from '../../src/files/data-dir.js';
import { startCluster } from '../helpers/cluster.js';
import { probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';

const directory = tempDir();

async function modes(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path).catch(() => ({ mode: 0 }));
    found[path] = (mode & 0o077).toString(8);
  }
  found[root] = ((await stat(root)).mode & 0o077).toString(8);
  return found;
}

const reachable = async (root: string) =>
  Object.entries(await modes(root)).filter(([, others]) => others !== '0');

test('an existing data directory becomes accessible to its owner only, with one warning', async (t) => {
  const root = join(directory, 'open');
  const elsewhere = join(directory, 'elsewhere');
  await mkdir(join(root, 'blobs', 'ab'), { recursive: true });
  await writeFile(join(root, 'admin-key'), 'x');
  await writeFile(join(root, 'blobs', 'ab', 'c'), 'x');
  await writeFile(elsewhere, 'x');
  await symlink(elsewhere, join(root, 'link'));
  const open = [root, join(root, 'blobs'), join(root, 'blobs', 'ab')];
  const files = [join(root, 'admin-key'), join(root, 'blobs', 'ab', 'c'), elsewhere];
  for (const path of open) await chmod(path, 0o755);
  for (const path of files) await chmod(path, 0o644);
  const said: string[] = [];
  await openDataDir(root, (message) => said.push(message));
  t.deepEqual(await reachable(root), []);
  t.is(
    (await stat(elsewhere)).mode & 0o777,
    0o644,
    'the target of a symbolic link is outside of the directory and keeps its mode',
  );
  t.is(said.length, 1);
  t.regex(said[0] ?? '', /5 files or directories were accessible/);
  await openDataDir(root, (message) => said.push(message));
  t.is(said.length, 1);
});

test.serial(
  'a file is durable, with its name in the directory, when it has been created or replaced',
  async (t) => {
    const root = join(directory, 'durable');
    const dataDir = await openDataDir(root, () => undefined);
    const { ino } = await stat(root);
    const handle = await open(root);
    const prototype: FileHandle = Object.getPrototypeOf(handle);
    await handle.close();
    const { sync } = prototype;
    t.teardown(() => {
      prototype.sync = sync;
    });
    let names: string[] = [];
    prototype.sync = async function (this: FileHandle) {
      if ((await this.stat()).ino === ino) names = await readdir(root);
      return sync.call(this);
    };
    await dataDir.once('secrets-key', () => 'first');
    t.deepEqual(names, ['secrets-key']);
    names = [];
    await dataDir.write('secrets-key', 'second');
    t.deepEqual(names, ['secrets-key']);
  },
);

test('a file readable by others in an owner-only directory becomes owner-only as well', async (t) => {
  const root = join(directory, 'closed');
  await mkdir(root, { mode: 0o700 });
  await writeFile(join(root, 'metadata.sqlite'), '', { mode: 0o644 });
  await chmod(join(root, 'metadata.sqlite'), 0o644);
  await openDataDir(root, () => undefined);
  t.deepEqual(await reachable(root), []);
});

test('files that an engine creates in its data directory are owner-only, even when started with umask 0', async (t) => {
  const before = process.umask(0o000);
  const engine = await startEngine().finally(() => process.umask(before));
  t.teardown(engine.close);
  await chmod(engine.dataDir, 0o755);
  t.is((await engine.api.deploy('probe', await probeWasm())).status, 201);
  await engine.api.put('/v1/functions/secrets', { name: 'A', value: 'b' });
  await engine.api.post('/v1/rqlite/create-table', { schema: 'create table a (b)' });
  const found = await reachable(engine.dataDir);
  t.deepEqual(
    found.filter(([path]) => path !== engine.dataDir),
    [],
  );
  t.true(Object.keys(await modes(engine.dataDir)).length > 5);
});

test('a data directory that is gone or not writable is reported as such, and not as a full disk', async (t) => {
  const gone = join(directory, 'gone');
  await t.throwsAsync(assertWritable(gone), {
    code: 'unavailable',
    message: /\(ENOENT\)\); see that it is there/,
  });
  const file = join(directory, 'a-file');
  await writeFile(file, '');
  await t.throwsAsync(assertWritable(file), { message: /\(ENOTDIR\)\); see that it is there/ });
});

// Serial, since the umask is that of the whole process.
test.serial('so does every process of the Procfile, and the rotation of the key', async (t) => {
  const before = process.umask(0o000);
  t.teardown(() => process.umask(before));
  const cluster = await startCluster();
  t.teardown(cluster.close);
  const run = (file: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [file, ...args], {
      env: { PATH: process.env.PATH, ...cluster.settings, LOG_LEVEL: 'error' },
    });
  await run('dist/app/main.js', 'release');
  const ready = join(directory, 'ready');
  const [{ api, stop }, worker] = await Promise.all([cluster.web({ READY_FILE: ready }), cluster.worker()]);
  t.is((await api.deploy('probe', await probeWasm())).status, 201);
  await api.put('/v1/functions/secrets', { name: 'A', value: 'b' });
  t.is((await api.invoke('probe', '[]')).status, 200);
  t.is((await stat(ready)).mode & 0o077, 0);
  await Promise.all([stop(), worker.stop()]);
  await run('dist/app/orama.js', 'admin', 'rotate-secrets-key');
  t.deepEqual(await reachable(cluster.dataDir), []);
  t.true(Object.keys(await modes(cluster.dataDir)).length > 5);
});
